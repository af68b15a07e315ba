"""Each time a webhook was sent: when, what came back, how long that took, when it is tried next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from bot.storage.schema import webhook_tries as rows

# Of one delivery, the newest: eight of the schedule, and what staff sent by hand.
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Try:
    """One try. `status` is 0 where nobody answered; `next_at` is None where it ended there."""

    at: datetime
    status: int
    why: str
    took_ms: int
    signatures: int
    next_at: datetime | None = None


def keep(db: Connection, letter_id: int, one: Try) -> None:
    """Write a try down."""
    values = {"at": one.at, "status": one.status, "why": one.why[:160], "took_ms": one.took_ms}
    values |= {"signatures": one.signatures, "next_at": one.next_at}
    db.execute(insert(rows).values(letter_id=letter_id, **values))


def of_letter(db: Connection, letter_id: int) -> list[Try]:
    """The tries of one delivery, the newest first."""
    wanted = rows.c.at, rows.c.status, rows.c.why, rows.c.took_ms, rows.c.signatures, rows.c.next_at
    query = select(*wanted).where(rows.c.letter_id == letter_id)
    return [Try(*row) for row in db.execute(query.order_by(rows.c.id.desc()).limit(_SHOWN)).all()]


def forget_before(db: Connection, moment: datetime, limit: int) -> int:
    """Drop up to `limit` tries of before then; how many."""
    old = select(rows.c.id).where(rows.c.at < moment).order_by(rows.c.at).limit(limit)
    return db.execute(delete(rows).where(rows.c.id.in_(old))).rowcount
