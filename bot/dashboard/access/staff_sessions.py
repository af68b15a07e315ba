"""Where members of staff are signed in: rows, so that access ends the moment it is revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from bot.dashboard.access.tokens import digest_of, new_token
from bot.storage.schema import staff_sessions

Stage = Literal["code", "full"]
_WHOLE = timedelta(hours=12)
_IDLE = timedelta(minutes=30)
# From the password to the code of the second step.
_HALF = timedelta(minutes=5)
_NOTE_EVERY = timedelta(minutes=1)
_MARK = 12


@dataclass(frozen=True, slots=True)
class Living:
    """One place where a member is signed in, by the beginning of its digest."""

    mark: str
    seen_at: datetime
    until: datetime


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


def mark_of(token: str) -> str:
    """By what the pages and the audit call the session of this token."""
    return digest_of(token)[:_MARK]


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


def living(db: Connection, staff_id: int, now: datetime) -> list[Living]:
    """Where a member is signed in now, the latest seen first."""
    table = staff_sessions
    query = select(table.c.digest, table.c.seen_at, table.c.until).where(
        table.c.staff_id == staff_id,
        table.c.stage == "full",
        table.c.until > now,
        table.c.seen_at > now - _IDLE,
    )
    rows = db.execute(query.order_by(table.c.seen_at.desc())).all()
    return [Living(row.digest[:_MARK], row.seen_at, row.until) for row in rows]


def end_one(db: Connection, staff_id: int, mark: str) -> bool:
    """End the session of this member whose digest begins so."""
    mine = (staff_sessions.c.staff_id == staff_id) & (
        func.substr(staff_sessions.c.digest, 1, _MARK) == mark
    )
    return len(mark) == _MARK and db.execute(delete(staff_sessions).where(mine)).rowcount > 0
