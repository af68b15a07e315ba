"""What staff do in a call that goes on: who has taken it, and what they did, each once.

Who acts names what they were looking at: the hop, and the last thing that staff did. When either
has changed, nothing is done, and they look again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, insert, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.one_call import Caller, Span, span_of
from bot.i18n import N_
from bot.masking import without_numbers
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import call_acts, staff

Doing = Literal["taken", "given", "line", "sms", "end", "call_back"]
Refusal = Literal["changed", "anothers", "not_taken"]
ACT_WORDS: dict[str, str] = {
    "taken": N_("took the call"),
    "given": N_("gave the call back"),
    "line": N_("added a line to the next screen"),
    "sms": N_("sent an SMS"),
    "end": N_("ended the call at its next screen"),
    "call_back": N_("asked for a call back"),
    "tagged": N_("tagged the call"),
    "untagged": N_("took a tag off the call"),
}


class Look(NamedTuple):
    """What a member of staff was looking at: a hop, and the last thing that staff had done."""

    hop: int
    act: int


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that a member of staff did in a call."""

    id: int
    act: str
    name: str
    text: str
    hop: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Helped:
    """What was done in a call, the oldest first; `helper_id` is who has taken it, 0 for nobody."""

    done: list[Done]
    helper: str = ""
    helper_id: int = 0

    @property
    def last(self) -> int:
        """The last thing done, 0 for nothing."""
        return self.done[-1].id if self.done else 0


def helped(db: Connection, span: Span, ours: str = "") -> Helped:
    """What staff have done in this call, and in no other that had its id."""
    begun = datetime.fromtimestamp(span.begun_ms / 1000, UTC)
    query = (
        select(call_acts, staff.c.name)
        .join(staff, staff.c.id == call_acts.c.staff_id)
        .where(call_acts.c.session_key == span.session_key)
        .where(call_acts.c.owner.in_(span.owners), call_acts.c.at >= begun)
        .order_by(call_acts.c.id)
    )
    rows = db.execute(query).mappings().all()
    done = [
        Done(r["id"], r["act"], r["name"], without_numbers(r["text"], ours), r["hop"], r["at"])
        for r in rows
    ]
    turns = [row for row in rows if row["act"] in {"taken", "given"}]
    if not turns or turns[-1]["act"] == "given":
        return Helped(done)
    return Helped(done, turns[-1]["name"], turns[-1]["staff_id"])


def act(
    db: Connection,
    member: Member,
    doing: Doing,
    caller: Caller,
    look: Look,
    now: datetime,
    text: str = "",
) -> int | Refusal:
    """Write down that this member does this; the row's number, or why it must not be done.

    One after the other, so that of two who press at once the second sees the first, and so that
    their numbers are in the order in which others can read them.
    """
    one_at_a_time(db, "call acts")
    span = span_of(db, caller.row_id)
    if span is None:
        return "changed"
    before = helped(db, span)
    if before.last != look.act:
        return "anothers" if before.helper_id not in {0, member.id} else "changed"
    if span.last_hop != look.hop:
        return "changed"
    if doing == "taken" and before.helper_id:
        return "anothers"
    if doing not in {"taken", "call_back"} and before.helper_id != member.id:
        return "anothers" if before.helper_id else "not_taken"
    return write_down(db, member, caller, doing, text, look.hop, now, hop=look.hop)


def write_down(
    db: Connection,
    member: Member,
    caller: Caller,
    did: str,
    text: str,
    at_hop: int,
    now: datetime,
    **details: str | int,
) -> int:
    """Keep what this member did in a call as of `at_hop`, on record with `details`; its number."""
    whose = {"session_key": caller.session_key, "owner": caller.owner, "staff_id": member.id}
    row = {**whose, "act": did, "text": text, "hop": at_hop, "at": now}
    number = db.execute(insert(call_acts).values(row)).inserted_primary_key
    assert number is not None  # noqa: S101  the database numbers every row
    note(db, member.name, f"call {did}", f"act {number[0]}", now, **details)
    return int(number[0])
