"""Up to when each shop was asked for its orders; one process asks it at a time, by a lease."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.schema import shop_pulls as rows
from bot.storage.set_back import has_come


@dataclass(frozen=True, slots=True)
class Held:
    """A shop that this process may ask now: from when on, and how often that failed before."""

    source: str
    lease: str
    asked_until: datetime
    failures: int


def claim(
    db: Connection, source: str, now: datetime, lease_s: float, longest_s: float
) -> Held | None:
    """Hold a shop that is due; None when it is not, or when another process holds it.

    It never rests longer than `longest_s`. A shop that was never asked begins now: what is older
    came by its messages.
    """
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    fresh = dialect.insert(rows).values(source=source, asked_until=now, due_at=now)
    db.execute(fresh.on_conflict_do_nothing())
    lease = secrets.token_hex(8)
    lease_over = has_come(rows.c.lease_until, now, timedelta(seconds=lease_s))
    due = has_come(rows.c.due_at, now, timedelta(seconds=longest_s))
    held = (
        update(rows)
        .where(rows.c.source == source, due, or_(rows.c.lease_until.is_(None), lease_over))
        .values(lease=lease, lease_until=now + timedelta(seconds=lease_s))
        .returning(rows.c.asked_until, rows.c.failures)
    )
    row = db.execute(held).first()
    return None if row is None else Held(source, lease, row.asked_until, row.failures)


def asked(db: Connection, held: Held, until: datetime, due_at: datetime) -> bool:
    """All up to `until` was kept. False when another process has taken over meanwhile."""
    values = {"asked_until": until, "due_at": due_at, "failures": 0, "why": ""}
    return _ended(db, held, values)


def failed(db: Connection, held: Held, why: str, due_at: datetime) -> bool:
    """It could not be asked, or not to the end: the same again at `due_at`."""
    return _ended(db, held, {"due_at": due_at, "failures": held.failures + 1, "why": why[:160]})


def every_one(db: Connection) -> Sequence[RowMapping]:
    """Every shop that was ever asked."""
    return db.execute(select(rows).order_by(rows.c.source)).mappings().all()


def _ended(db: Connection, held: Held, values: dict[str, Any]) -> bool:
    mine = (rows.c.source == held.source) & (rows.c.lease == held.lease)
    end = update(rows).where(mine).values(lease="", lease_until=None, **values)
    return db.execute(end).rowcount == 1
