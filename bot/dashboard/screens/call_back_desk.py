"""Who waits to be called, and how each try went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, insert, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.ticket_desk import OPEN, Ticket, close_ticket, open_tickets
from bot.i18n import N_
from bot.market import verifying
from bot.storage.schema import call_tries, contacts, staff, tickets, transcripts

# What somebody is called about; each has a number to call.
CATEGORIES = ("call_back", "pin_forgotten", "verify", "new_owner")
OUTCOME_WORDS = {
    "reached": N_("Reached, not solved yet"),
    "no_answer": N_("No answer"),
    "wrong_person": N_("Another person answered"),
    "solved": N_("Solved"),
}
# A second time another person answers, it is not known who holds the number.
_WRONG_MAX = 2
Ended = Literal["noted", "solved", "verifying", "changed", "gone", "unsettled"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One who waits. `place` and `row` are where their last call stood, "" and 0 when not known."""

    ticket: Ticket
    tries: int
    last: str
    by: str
    place: str
    row: int


def waiting(db: Connection, ours: str = "") -> list[Waiting]:
    """Everybody who waits to be called, who waits longest first."""
    found = [
        ticket
        for category in CATEGORIES
        for ticket in open_tickets(db, category, ours=ours)[0]
        if ticket.number
    ]
    return [_waiting(db, ticket) for ticket in sorted(found, key=lambda one: one.due_at)]


def waiting_for(db: Connection, ticket: Ticket) -> Waiting | None:
    """The same of one ticket; None when it is not about a call."""
    asked = ticket.category in CATEGORIES and ticket.number and ticket.state in OPEN
    return _waiting(db, ticket) if asked else None


def tried(
    db: Connection, code: str, outcome: str, based_on: int, said: str, by: Member, now: datetime
) -> Ended:
    """Note how a call went, when as many were noted as `based_on`; "solved" closes the ticket."""
    query = select(tickets).where(tickets.c.code == code, tickets.c.state.in_(OPEN))
    row = db.execute(query.with_for_update()).mappings().first()
    if row is None:
        return "gone"
    if _count(db, row["id"]) != based_on:
        return "changed"
    line = {"ticket_id": row["id"], "staff_id": by.id, "outcome": outcome, "at": now}
    db.execute(insert(call_tries).values(line))
    note(db, by.name, "called back", f"ticket {code}", now, outcome=outcome)
    if outcome == "solved":
        ended = close_ticket(db, code, said, by.name, now)
        return "solved" if ended == "closed" else "unsettled"
    if outcome == "wrong_person" and _count(db, row["id"], outcome) == _WRONG_MAX:
        verifying.report_sim(db, row["msisdn"], by.name, now, "another person answered twice")
        return "verifying"
    return "noted"


def _waiting(db: Connection, ticket: Ticket) -> Waiting:
    query = (
        select(call_tries.c.outcome, staff.c.name)
        .join(staff, staff.c.id == call_tries.c.staff_id)
        .where(call_tries.c.ticket_id == ticket.id)
        .order_by(call_tries.c.id.desc())
    )
    tries = db.execute(query).all()
    spoke = (
        select(transcripts.c.id, transcripts.c.place)
        .join(contacts, contacts.c.msisdn == transcripts.c.owner)
        .where(contacts.c.id == ticket.contact_id)
        .order_by(transcripts.c.id.desc())
        .limit(1)
    )
    call = db.execute(spoke).first() if ticket.contact_id else None
    return Waiting(
        ticket,
        len(tries),
        tries[0].outcome if tries else "",
        tries[0].name if tries else "",
        call.place if call else "",
        call.id if call else 0,
    )


def _count(db: Connection, ticket_id: int, outcome: str = "") -> int:
    mine = call_tries.c.ticket_id == ticket_id
    if outcome:
        mine &= call_tries.c.outcome == outcome
    return int(db.execute(select(func.count()).where(mine)).scalar() or 0)
