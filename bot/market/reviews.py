"""Orders that the allocation must look at: when, and what becomes of one that cannot be."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from bot.market.tickets import open_ticket
from bot.storage.schema import orders, reviews

FAILURES_MAX = 5
_AGAIN_FIRST_S = 2.0


def due(db: Connection, now: datetime, limit: int) -> list[int]:
    """The orders that must be looked at, those that have waited longest first."""
    query = (
        select(reviews.c.order_id)
        .where(reviews.c.due_at <= now)
        .group_by(reviews.c.order_id)
        .order_by(func.min(reviews.c.due_at))
        .limit(limit)
    )
    return list(db.execute(query).scalars())


def failed(db: Connection, order_id: int, why: str, now: datetime) -> bool:
    """Our own fault: it is looked at later, or people must see to it. True for the latter."""
    mine = (reviews.c.order_id == order_id) & (reviews.c.due_at <= now)
    times = db.execute(select(func.max(reviews.c.attempts)).where(mine)).scalar()
    if times is None:
        return False
    db.execute(delete(reviews).where(mine))
    if times + 1 >= FAILURES_MAX:
        code = db.execute(select(orders.c.code).where(orders.c.id == order_id)).scalar_one()
        open_ticket(
            db, category="order", msisdn="", contact_id=None, about=str(code),
            text=f"It cannot be offered: {why}"[:320], language="en", now=now,
        )  # fmt: skip
        return True
    due_at = now + timedelta(seconds=_AGAIN_FIRST_S * 2.0**times)
    db.execute(insert(reviews).values(order_id=order_id, due_at=due_at, attempts=times + 1))
    return False
