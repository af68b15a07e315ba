"""What was said with an operator about a payment: each question of ours, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from bot.market.payments import Payment
from bot.payments.provider import Answer
from bot.storage.schema import payment_talks as rows

What = Literal["ask", "look_up"]
# One that nobody knows for long is asked about every half hour.
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Talk:
    """One question: "ask" to move the money, "look_up" what became of it."""

    at: datetime
    what: What
    outcome: str
    reason: str
    took_ms: int


def keep(
    db: Connection, payment: Payment, what: What, answer: Answer, began: datetime, now: datetime
) -> None:
    """Write a question down that began then and was answered now, with what it came to."""
    took_ms = max(0, round((now - began).total_seconds() * 1000))
    values = {"at": began, "what": what, "outcome": answer.outcome.value, "took_ms": took_ms}
    db.execute(insert(rows).values(payment_id=payment.id, reason=answer.reason[:160], **values))


def of_payment(db: Connection, payment_id: int) -> list[Talk]:
    """What was said about one payment, the newest first."""
    wanted = rows.c.at, rows.c.what, rows.c.outcome, rows.c.reason, rows.c.took_ms
    query = select(*wanted).where(rows.c.payment_id == payment_id)
    return [Talk(*row) for row in db.execute(query.order_by(rows.c.id.desc()).limit(_SHOWN)).all()]


def forget_before(db: Connection, moment: datetime, limit: int) -> int:
    """Drop at most `limit` questions asked before `moment`; returns how many.

    Rows come in the order of their time, so only the first ones are looked at: no index is needed.
    """
    first = select(rows.c.id, rows.c.at).order_by(rows.c.id).limit(limit).subquery()
    old = select(first.c.id).where(first.c.at < moment)
    return db.execute(delete(rows).where(rows.c.id.in_(old))).rowcount
