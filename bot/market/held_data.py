"""Everything that is held about a person, by table: for the copy that the law gives them.

A table that is new stands in `whose` or, in the test of it, among those that are nobody's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, false, or_, select

from bot.market import people
from bot.storage import schema as t
from bot.storage.schema.delivery import OUTBOX_STATES

# Named by the number of the person's row alone.
_BY_CONTACT = (
    t.consents, t.stocks, t.stock_listings, t.stock_photos, t.offers, t.allocations, t.payments,
    t.bills, t.wallet_changes, t.bookings, t.price_alerts, t.lesson_progress, t.pins,
    t.pin_failures, t.call_backs, t.supply_turns, t.shares, t.hand_overs,
    t.person_notes, t.news_wishes,
)  # fmt: skip
# What proves or opens something, to whoever has it; it says nothing about the person.
_OPENS = {"callback_token", "session_key", "code_digest", "hash", "hop_key", "token"}
# Of the audit: where the member of staff was who did it. Who and when is told, this is theirs.
_OF_STAFF = {"ip", "session"}
WITHHELD = frozenset(_OPENS | _OF_STAFF)


def everything(db: Connection, contact_id: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table that are about this person, without what is secret or of staff."""
    held = {}
    for table, theirs in whose(db, contact_id).items():
        told = [column for column in table.columns if column.name not in WITHHELD]
        query = select(*told).where(theirs).order_by(*table.primary_key.columns)
        held[table.name] = [dict(row) for row in db.execute(query).mappings()]
    return held


def whose(db: Connection, contact_id: int) -> dict[Table, ColumnElement[bool]]:
    """For each table with something of a person: which of its rows are about this one."""
    person = people.by_id(db, contact_id)
    msisdn = person.msisdn if person is not None and person.msisdn else None
    links = or_(t.telegram_links.c.contact_id == contact_id, _is(t.telegram_links, msisdn))
    found = db.execute(select(t.telegram_links).where(links)).mappings().all()
    accounts = [row["user_id"] for row in found if row["user_id"]]
    chats = [row["chat_id"] for row in found if row["chat_id"]]
    owners = [f"tg:{account}" for account in accounts] + ([msisdn] if msisdn else [])
    tables: dict[Table, ColumnElement[bool]] = {
        t.contacts: t.contacts.c.id == contact_id,
        **{table: table.c.contact_id == contact_id for table in _BY_CONTACT},
        t.sales: or_(t.sales.c.contact_id == contact_id, _is(t.sales, msisdn, "buyer_msisdn")),
        t.members: or_(*_both(t.members, contact_id)),
        t.splits: t.splits.c.cooperative_id == contact_id,
        t.telegram_links: links,
        t.telegram_invites: or_(
            _is(t.telegram_invites, msisdn), t.telegram_invites.c.used_by.in_(accounts)
        ),
        t.telegram_updates: t.telegram_updates.c.chat_id.in_(chats),
        **{table: table.c.owner.in_(owners) for table in (t.hops, t.transcripts, t.call_acts)},
        t.outbox: _news(contact_id, msisdn, chats),
        t.tickets: or_(t.tickets.c.contact_id == contact_id, _is(t.tickets, msisdn)),
        t.audit: _on_record(contact_id, [row["id"] for row in found]),
        t.proposals: t.proposals.c.subject == f"contact {contact_id}",
    }
    return tables | _behind(contact_id)


def _behind(contact_id: int) -> dict[Table, ColumnElement[bool]]:
    """What hangs on a row of theirs, and names the person by that alone."""
    asked = select(t.tickets.c.id).where(t.tickets.c.contact_id == contact_id)
    offered = select(t.offers.c.id).where(t.offers.c.contact_id == contact_id)
    paid = t.payments.c.contact_id == contact_id
    chats = select(t.hand_overs.c.id).where(t.hand_overs.c.contact_id == contact_id)
    accounts = (f"farmer_payable:{contact_id}", f"receivable:{contact_id}")
    lines = t.ledger_lines.c.account.in_(accounts)
    called = select(t.payments.c.callback_token).where(paid)
    mine = select(t.payments.c.id).where(paid)
    return {
        t.call_tries: t.call_tries.c.ticket_id.in_(asked),
        t.offer_events: t.offer_events.c.offer_id.in_(offered),
        t.received_parts: t.received_parts.c.offer_id.in_(offered),
        t.payout_tries: t.payout_tries.c.offer_id.in_(offered),
        t.payment_events: t.payment_events.c.payment_id.in_(mine),
        t.payment_talks: t.payment_talks.c.payment_id.in_(mine),
        t.payment_approvals: t.payment_approvals.c.payment_id.in_(mine),
        t.hand_over_lines: t.hand_over_lines.c.hand_over_id.in_(chats),
        t.ledger_lines: lines,
        t.ledger_entries: t.ledger_entries.c.id.in_(select(t.ledger_lines.c.entry_id).where(lines)),
        t.inbox: (t.inbox.c.token != "") & t.inbox.c.token.in_(called),
    }


def _on_record(contact_id: int, links: list[int]) -> ColumnElement[bool]:
    """Lines of the audit about the person, or of what they did themselves."""
    subjects = [f"contact {contact_id}", *(f"telegram link {number}" for number in links)]
    actors = (f"contact {contact_id}", f"contact:{contact_id}")
    return or_(t.audit.c.subject.in_(subjects), t.audit.c.actor.in_(actors))


def _news(contact_id: int, msisdn: str | None, chats: list[int]) -> ColumnElement[bool]:
    """What was or is to be sent to them or about them."""
    to_chat = (t.outbox.c.kind == "telegram") & t.outbox.c.state.in_(OUTBOX_STATES)
    return or_(
        t.outbox.c.contact_id == contact_id,
        to_chat & t.outbox.c.lane.in_([str(chat) for chat in chats]),
        _is(t.outbox, msisdn),
    )


def _is(table: Table, msisdn: str | None, column: str = "msisdn") -> ColumnElement[bool]:
    return table.c[column] == msisdn if msisdn else false()


def _both(table: Table, contact_id: int) -> tuple[ColumnElement[bool], ...]:
    return table.c.contact_id == contact_id, table.c.cooperative_id == contact_id
