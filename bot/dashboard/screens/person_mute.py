"""News that may wait is not sent to a person who asked for that, until it is taken back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.people_desk import subject_of
from bot.dashboard.screens.person_notes import is_held
from bot.kept_text import kept_text
from bot.market import news_wishes
from bot.market.news_wishes import Mute

REASON_MOST = 160


def mute(db: Connection, contact_id: int, by: Member, form: dict[str, str], now: datetime) -> str:
    """Send the person nothing that may wait; with a reason, on record."""
    reason = kept_text(form.get("reason", ""), REASON_MOST)
    if not reason:
        return "no_reason"
    if not is_held(db, contact_id) or news_wishes.mute_of(db, contact_id) is not None:
        return "no_effect"
    news_wishes.mute(db, contact_id, Mute(now, by.name, reason))
    note(db, by.name, "person muted", subject_of(contact_id), now, reason=reason)
    return "muted"


def unmute(
    db: Connection, contact_id: int, by: Member, _form: dict[str, str], now: datetime
) -> str:
    """Send the person all news again."""
    if not is_held(db, contact_id) or not news_wishes.unmute(db, contact_id):
        return "no_effect"
    note(db, by.name, "person unmuted", subject_of(contact_id), now)
    return "unmuted"
