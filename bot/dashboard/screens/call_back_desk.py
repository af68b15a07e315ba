"""Who waits to be called, and how each try went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.ticket_desk import OPEN, Ticket, close_ticket, open_tickets_where
from bot.i18n import N_
from bot.market import people, pin_reset, verifying
from bot.storage.schema import call_tries, contacts, staff, tickets, transcripts

# What somebody is called about; each has a number to call.
CATEGORIES = ("call_back", "pin_forgotten", "verify", "new_owner")
OUTCOME_WORDS = {
    "reached": N_("Reached, not solved yet"),
    "no_answer": N_("No answer"),
    "wrong_person": N_("Another person answered"),
    "solved": N_("Solved"),
}
# One member alone, or one hour of a lent phone, does not tell who holds a number.
_APART = timedelta(hours=1)
Ended = Literal["noted", "solved", "verifying", "changed", "gone", "unsettled", "undecided"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One who waits. `place` and `row` are where their last call stood, "" and 0 when not known."""

    ticket: Ticket
    tries: int
    last: str
    by: str
    place: str
    row: int


def waiting(db: Connection, after: int = 0, ours: str = "") -> tuple[list[Waiting], int]:
    """A page of those who wait to be called, who waits longest first; and where the next begins."""
    found, following = open_tickets_where(db, _to_be_called(), after, ours)
    tries = _tries_of(db, [one.id for one in found])
    calls = _last_calls(db, {one.contact_id for one in found if one.contact_id})
    waits = [
        Waiting(one, *tries.get(one.id, (0, "", "")), *calls.get(one.contact_id, ("", 0)))
        for one in found
    ]
    return waits, following


def tried(
    db: Connection, code: str, outcome: str, based_on: int, said: str, by: Member, now: datetime
) -> Ended:
    """Note how a call went, when as many were noted as `based_on`; "solved" closes the ticket."""
    mine = (tickets.c.code == code) & tickets.c.state.in_(OPEN) & _to_be_called()
    query = select(tickets).where(mine)
    row = db.execute(query.with_for_update()).mappings().first()
    if row is None:
        return "gone"
    if _count(db, row["id"]) != based_on:
        return "changed"
    before = _wrong_persons(db, row["id"])
    line = {"ticket_id": row["id"], "staff_id": by.id, "outcome": outcome, "at": now}
    db.execute(insert(call_tries).values(line))
    note(db, by.name, "called back", f"ticket {code}", now, outcome=outcome)
    if outcome == "solved" and _is_undecided(db, row, now):
        return "undecided"
    if outcome == "solved":
        ended = close_ticket(db, code, said, by.name, now)
        return "solved" if ended == "closed" else "unsettled"
    if not _is_sure(before) and _is_sure(_wrong_persons(db, row["id"])):
        verifying.report_sim(db, row["msisdn"], by.name, now, "another person answered twice")
        return "verifying"
    return "noted"


def _is_undecided(db: Connection, ticket: RowMapping, now: datetime) -> bool:
    """Whether its number is not trusted yet, or the PIN still locked: closing solves nothing."""
    contact = people.by_msisdn(db, ticket["msisdn"])
    if contact is None:
        return False
    if ticket["category"] in verifying.CHECKS:
        return contact.verifying
    return ticket["category"] == "pin_forgotten" and pin_reset.is_locked(db, contact.id, now)


def _to_be_called() -> ColumnElement[bool]:
    return tickets.c.category.in_(CATEGORIES) & (tickets.c.msisdn != "")


def _tries_of(db: Connection, ticket_ids: list[int]) -> dict[int, tuple[int, str, str]]:
    """Of each ticket how many tries, how the last went, and whose it was."""
    query = (
        select(call_tries.c.ticket_id, call_tries.c.outcome, staff.c.name)
        .join(staff, staff.c.id == call_tries.c.staff_id)
        .where(call_tries.c.ticket_id.in_(ticket_ids))
        .order_by(call_tries.c.id)
    )
    found: dict[int, tuple[int, str, str]] = {}
    for row in db.execute(query):
        before = found.get(row.ticket_id, (0, "", ""))[0]
        found[row.ticket_id] = before + 1, row.outcome, row.name
    return found


def _last_calls(db: Connection, contact_ids: set[int]) -> dict[int, tuple[str, int]]:
    """Of each person where their last call stood, and its row."""
    newest = (
        select(contacts.c.id, func.max(transcripts.c.id).label("row_id"))
        .join(transcripts, transcripts.c.owner == contacts.c.msisdn)
        .where(contacts.c.id.in_(contact_ids))
        .group_by(contacts.c.id)
        .subquery()
    )
    query = select(newest.c.id, transcripts.c.place, newest.c.row_id).join(
        newest, newest.c.row_id == transcripts.c.id
    )
    return {row.id: (row.place, row.row_id) for row in db.execute(query)}


def _is_sure(found: list[tuple[int, datetime]]) -> bool:
    """Whether another person answered two of the staff, or one of them at two times."""
    moments = [at for _staff_id, at in found]
    far = bool(moments) and max(moments) - min(moments) >= _APART
    return far or len({staff_id for staff_id, _at in found}) > 1


def _count(db: Connection, ticket_id: int) -> int:
    mine = call_tries.c.ticket_id == ticket_id
    return int(db.execute(select(func.count()).where(mine)).scalar() or 0)


def _wrong_persons(db: Connection, ticket_id: int) -> list[tuple[int, datetime]]:
    mine = (call_tries.c.ticket_id == ticket_id) & (call_tries.c.outcome == "wrong_person")
    query = select(call_tries.c.staff_id, call_tries.c.at).where(mine)
    return [(row.staff_id, row.at) for row in db.execute(query)]
