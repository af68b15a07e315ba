"""Where members of staff are signed in: rows, so that access ends the moment it is revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from bot.dashboard.access.tokens import digest_of, new_token
from bot.storage.schema import staff_sessions

Stage = Literal["code", "full"]
_WHOLE = timedelta(hours=12)
_IDLE = timedelta(minutes=30)
# From the password to the code of the second step.
_HALF = timedelta(minutes=5)
_NOTE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Found:
    """Whose session it is; `noted_long_ago` asks for `touch`."""

    staff_id: int
    noted_long_ago: bool


def begin(db: Connection, staff_id: int, stage: Stage, now: datetime) -> str:
    """A new session; its token goes into the cookie and nowhere else."""
    db.execute(delete(staff_sessions).where(staff_sessions.c.until <= now))
    token = new_token()
    until = now + (_WHOLE if stage == "full" else _HALF)
    row = {"digest": digest_of(token), "staff_id": staff_id, "stage": stage}
    db.execute(insert(staff_sessions).values(**row, seen_at=now, until=until))
    return token


def find(db: Connection, token: str, stage: Stage, now: datetime) -> Found | None:
    """The living session with this token at this stage, or None."""
    table = staff_sessions
    query = select(table.c.staff_id, table.c.seen_at).where(
        table.c.digest == digest_of(token),
        table.c.stage == stage,
        table.c.until > now,
        table.c.seen_at > now - _IDLE,
    )
    row = db.execute(query).first()
    return None if row is None else Found(row.staff_id, row.seen_at < now - _NOTE_EVERY)


def touch(db: Connection, token: str, now: datetime) -> None:
    """The person did something: the idle time starts anew."""
    mine = staff_sessions.c.digest == digest_of(token)
    db.execute(update(staff_sessions).where(mine).values(seen_at=now))


def end(db: Connection, token: str) -> None:
    """Sign out."""
    db.execute(delete(staff_sessions).where(staff_sessions.c.digest == digest_of(token)))


def end_all(db: Connection, staff_id: int) -> None:
    """Sign a member out everywhere."""
    db.execute(delete(staff_sessions).where(staff_sessions.c.staff_id == staff_id))
