"""Showing a whole number: for a reason, on record, and not often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from bot.dashboard.access.members import note
from bot.i18n import N_
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import audit

SECONDS = 60
AN_HOUR = 20
REVEAL_REFUSED = "reveal refused"
_ACTION, _LOOK_UP = "number revealed", "number looked up"
REASONS = {
    "call_back": N_("To call the person back"),
    "payment": N_("To clear up a payment"),
    "safety": N_("Somebody may be using their number"),
}


def reveal(db: Connection, subject: str, reason: str, by: str, now: datetime) -> bool:
    """Put a look at a number on record. False, and no look, past twenty in an hour."""
    if _too_many(db, subject, reason, by, now):
        return False
    note(db, by, _ACTION, subject, now, reason=reason)
    return True


def look_up(
    db: Connection, find: Callable[[Connection], int], by: str, now: datetime
) -> int | None:
    """Whose number it is that `find` looks for, 0 for nobody's; on record, and counted as a look.

    None past twenty in an hour: who could ask of any number would know whole numbers.
    """
    if _too_many(db, "people", "look-up", by, now):
        return None
    found = find(db)
    note(db, by, _LOOK_UP, f"contact {found}" if found else "nobody", now)
    return found


def _too_many(db: Connection, subject: str, reason: str, by: str, now: datetime) -> bool:
    one_at_a_time(db, f"reveals {by}")
    lately = select(func.count()).where(
        audit.c.actor == by,
        audit.c.at > now - timedelta(hours=1),
        audit.c.action.in_((_ACTION, _LOOK_UP)),
    )
    if (db.execute(lately).scalar() or 0) < AN_HOUR:
        return False
    note(db, by, REVEAL_REFUSED, subject, now, reason=reason)
    return True
