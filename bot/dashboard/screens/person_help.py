"""What staff do when a person asks for help: a call about a locked PIN, an end to a chat's link."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.people_desk import subject_of
from bot.i18n.ticket_sentences import TicketSentence
from bot.kept_text import kept_text
from bot.market import people, telegram_links
from bot.market.tickets import open_ticket
from bot.storage.schema import pins, tickets

_REASON_MOST = 160


def call_about_pin(db: Connection, contact_id: int, by: Member, now: datetime) -> str:
    """The code of the ticket by which two of the staff reset a locked PIN; "" when none is locked.

    Nothing is reset here: the person is called first, and another member of staff approves.
    """
    contact = people.by_id(db, contact_id)
    # Held: of two who press at once the second finds the ticket of the first.
    held = select(pins).where(pins.c.contact_id == contact_id).with_for_update()
    pin = db.execute(held).mappings().first()
    is_locked = pin is not None and pin["locked_until"] is not None and pin["locked_until"] > now
    if contact is None or not contact.msisdn or not is_locked or pin is None:
        return ""
    # One that is older than the lock is about another PIN, and resets nothing.
    mine = (tickets.c.msisdn == contact.msisdn) & (tickets.c.category == "pin_forgotten")
    fresh = mine & (tickets.c.state == "open") & (tickets.c.opened_at >= pin["locked_at"])
    known = db.execute(select(tickets.c.code).where(fresh)).scalar()
    if known is not None:
        return str(known)
    code = open_ticket(
        db,
        category="pin_forgotten",
        msisdn=contact.msisdn,
        contact_id=contact_id,
        text=TicketSentence.PIN_LOCKED,
        language=contact.language,
        now=now,
    )
    note(db, by.name, "PIN ticket opened", subject_of(contact_id), now, ticket=code)
    return code


def unlink(db: Connection, contact_id: int, by: Member, form: dict[str, str], now: datetime) -> str:
    """No chat speaks for the person any more, and the chat is told; with a reason, on record."""
    reason = kept_text(form.get("reason", ""), _REASON_MOST)
    if not reason:
        return "no_reason"
    contact = people.by_id(db, contact_id)
    if contact is None or not contact.msisdn:
        return "no_effect"
    if not telegram_links.unlink_number(db, contact.msisdn, now, f"unlinked by {by.name}"):
        return "no_effect"
    note(db, by.name, "telegram unlinked", subject_of(contact_id), now, reason=reason)
    return "unlinked"
