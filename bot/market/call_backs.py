"""A call back that may change an account: noted by who called, approved by a second member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, RowMapping, insert, select, update

from bot.market.staff_names import Answerer, look_alike, name_of
from bot.storage.schema import audit, call_backs, tickets


@dataclass(frozen=True, slots=True)
class CallBack:
    """A call that somebody else than `called_by` now approves."""

    id: int
    called_by: str


def ticket_of(
    db: Connection, msisdn: str, contact_id: int, code: str, category: str
) -> RowMapping | None:
    """The `id` and `opened_at` of this number's open ticket of that category, or None."""
    theirs = tickets.c.contact_id.is_(None) | (tickets.c.contact_id == contact_id)
    wanted = (tickets.c.msisdn == msisdn) & (tickets.c.code == code.strip().upper())
    about = (tickets.c.category == category) & (tickets.c.state == "open")
    query = select(tickets.c.id, tickets.c.opened_at).where(theirs & wanted & about)
    return db.execute(query).mappings().first()


def note_call(
    db: Connection, member: Answerer, contact_id: int, ticket_id: int, now: datetime
) -> bool:
    """Keep that this member has called for the ticket; False when a call is noted already.

    The caller holds a row of the person, so that two who press at once come one after the other.
    """
    known = select(call_backs.c.id).where(call_backs.c.ticket_id == ticket_id)
    if db.execute(known).first() is not None:
        return False
    row = {"contact_id": contact_id, "ticket_id": ticket_id, "asked_by": member.id, "asked_at": now}
    db.execute(insert(call_backs).values(row))
    return True


def for_second(
    db: Connection, member: Answerer, ticket_id: int
) -> CallBack | Literal["not_asked", "same_person"]:
    """The call that this member may approve; or why not: nobody has called, or they have."""
    query = select(call_backs).where(call_backs.c.ticket_id == ticket_id)
    row = db.execute(query).mappings().first()
    if row is None:
        return "not_asked"
    first = name_of(db, row["asked_by"])
    if member.id == row["asked_by"] or look_alike(member.name, first):
        return "same_person"
    return CallBack(row["id"], first)


def approve(db: Connection, call: CallBack, member: Answerer, now: datetime) -> None:
    """Keep who approved it."""
    values = {"approved_by": member.id, "approved_at": now}
    db.execute(update(call_backs).where(call_backs.c.id == call.id).values(values))


def asked_by(db: Connection, ticket_code: str) -> str:
    """Who has called back for this ticket, and waits for a second; "" when nobody."""
    query = (
        select(call_backs.c.asked_by)
        .join(tickets, tickets.c.id == call_backs.c.ticket_id)
        .where(tickets.c.code == ticket_code, call_backs.c.approved_at.is_(None))
    )
    staff_id = db.execute(query).scalar()
    return "" if staff_id is None else name_of(db, staff_id)


def write_down(
    db: Connection,
    member: Answerer,
    action: str,
    contact_id: int,
    ticket_code: str,
    now: datetime,
    **more: str,
) -> None:
    """The audit's line of what this member did for a ticket."""
    line = {
        "at": now,
        "actor": member.name,
        "action": action,
        "subject": f"contact {contact_id}",
        "details": {"ticket": ticket_code.strip().upper(), **more},
    }
    db.execute(insert(audit), line)
