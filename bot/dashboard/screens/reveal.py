"""Showing a whole number: for a reason, on record, and not often."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from bot.dashboard.access.members import note
from bot.i18n import N_
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import audit

SECONDS = 60
AN_HOUR = 20
_ACTION = "number revealed"
REASONS = {
    "call_back": N_("To call the person back"),
    "payment": N_("To clear up a payment"),
    "safety": N_("Somebody may be using their number"),
}


def reveal(db: Connection, subject: str, reason: str, by: str, now: datetime) -> bool:
    """Put a look at a number on record. False, and no look, past twenty in an hour."""
    one_at_a_time(db, f"reveals {by}")
    lately = select(func.count()).where(
        audit.c.actor == by, audit.c.at > now - timedelta(hours=1), audit.c.action == _ACTION
    )
    if (db.execute(lately).scalar() or 0) >= AN_HOUR:
        note(db, by, "reveal refused", subject, now, reason=reason)
        return False
    note(db, by, _ACTION, subject, now, reason=reason)
    return True
