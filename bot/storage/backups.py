"""When the records were last backed up, as far as anybody has said, and since when one is expected.

Each is a moment of its own among what is noted in `turns`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.storage import turns

_LAST, _EXPECTED = "backup", "backup expected"


def note(db: Connection, at: datetime) -> None:
    """There is a whole copy of the records as of this moment, away from them."""
    turns.keep_until(db, _LAST, at)


def expect(db: Connection, now: datetime) -> None:
    """These records are to be backed up, from their first such word on."""
    if turns.until(db, _EXPECTED) is None:
        turns.keep_until(db, _EXPECTED, now)


def last(db: Connection) -> datetime | None:
    """The moment of the newest copy, None where none is known."""
    return turns.until(db, _LAST)


def age(db: Connection, now: datetime) -> timedelta:
    """How old the newest copy is; without one, since when it is expected, 0 where it is not."""
    since = last(db) or turns.until(db, _EXPECTED)
    return max(now - since, timedelta(0)) if since else timedelta(0)
