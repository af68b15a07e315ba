"""What staff do for a person's rights: a copy of their data, and forgetting them by two people."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from bot.dashboard.access import newly_set_up
from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.people_desk import subject_of
from bot.kept_text import kept_text
from bot.market import held_data, leaving, people, proposals

Deed = Callable[[Connection, int, Member, dict[str, str], datetime], str]
_REASON_MOST = 320


def copy(db: Connection, contact_id: int) -> dict[str, Any]:
    """All that is held about a person, by table, as JSON can hold it."""
    return {
        table: [{name: _plain(value) for name, value in row.items()} for row in rows]
        for table, rows in held_data.everything(db, contact_id).items()
    }


def propose(
    db: Connection, contact_id: int, by: Member, form: dict[str, str], now: datetime
) -> str:
    """The first of two asks that this person be forgotten."""
    newly_set_up.check(db, by.name, now)
    reason = kept_text(form.get("reason", ""), _REASON_MOST)
    if not reason:
        return "no_reason"
    if people.by_id(db, contact_id) is None:
        return "no_effect"
    subject = subject_of(contact_id)
    if not proposals.propose(db, "erase", subject, {}, reason, by.id, now):
        return "waits"
    note(db, by.name, "erasure proposed", subject, now, reason=reason)
    return "proposed"


def erase(db: Connection, contact_id: int, by: Member, form: dict[str, str], now: datetime) -> str:
    """The second does it: what the person's own phone does under My data, and no more."""
    newly_set_up.check(db, by.name, now)
    subject = subject_of(contact_id)
    proposal = proposals.waiting(db, "erase", subject)
    if proposal is None or people.by_id(db, contact_id) is None:
        return "no_effect"
    if not proposals.is_meant(proposal, form):
        return "another"
    if not proposals.may_do(proposal, by.id, by.name):
        return "same_person"
    leaving.leave(db, contact_id, f"staff:{by.name}", f"erase:{contact_id}", now)
    proposals.end(db, proposal, "done", by.id, now)
    note(db, by.name, "person erased", subject, now, first=proposal.asker, reason=proposal.reason)
    return "erased"


def withdraw(
    db: Connection, contact_id: int, by: Member, form: dict[str, str], now: datetime
) -> str:
    """The wish is taken back."""
    proposal = proposals.waiting(db, "erase", subject_of(contact_id))
    if proposal is None:
        return "no_effect"
    if not proposals.is_meant(proposal, form):
        return "another"
    proposals.end(db, proposal, "withdrawn", by.id, now)
    note(db, by.name, "erasure withdrawn", subject_of(contact_id), now)
    return "withdrawn"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
