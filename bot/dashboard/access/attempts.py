"""How often somebody tried to sign in: a pause after too many, never a lock for good."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import staff_attempts

_WINDOW = timedelta(minutes=15)
_KEEP = timedelta(days=1)


def attempt(db: Connection, who: str, most: int, now: datetime) -> bool:
    """Count one attempt of `who`. False, and nothing counted, past `most` in a quarter hour.

    It is counted before anything is checked, and by one transaction at a time, so that many tries
    at once are all counted.
    """
    table, key = staff_attempts, _key(who)
    one_at_a_time(db, f"attempts {key}")
    if lately(db, who, now) >= most:
        return False
    # Another transaction may be clearing up the same rows while it waits for us.
    old = select(table.c.id).where(table.c.at < now - _KEEP).with_for_update(skip_locked=True)
    db.execute(delete(table).where(table.c.id.in_(old)))
    db.execute(insert(table).values(who=key, at=now))
    return True


def lately(db: Connection, who: str, now: datetime) -> int:
    """How many attempts of `who` are counted of the last quarter hour."""
    table = staff_attempts
    recent = (table.c.who == _key(who)) & (table.c.at > now - _WINDOW)
    return int(db.execute(select(func.count()).where(recent)).scalar() or 0)


def give_back(db: Connection, who: str, now: datetime) -> None:
    """The attempt of `who` that was counted at `now` was never made."""
    table = staff_attempts
    counted = select(func.max(table.c.id)).where(table.c.who == _key(who), table.c.at == now)
    db.execute(delete(table).where(table.c.id == counted.scalar_subquery()))


def forget(db: Connection, who: str) -> None:
    """It was the right person: their mistakes count no more."""
    db.execute(delete(staff_attempts).where(staff_attempts.c.who == _key(who)))


def _key(who: str) -> str:
    return hashlib.sha256(who.encode()).hexdigest()
