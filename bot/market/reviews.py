"""Orders that the allocation must look at: when, and what becomes of one that cannot be."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from bot.i18n.ticket_sentences import TicketSentence
from bot.market.tickets import open_ticket
from bot.storage.schema import hub_orders, orders, reviews
from bot.storage.set_back import is_ahead

FAILURES_MAX = 5
_AGAIN_FIRST_S = 2.0
# It must still be closed at its time, and goes on by itself once the fault is mended.
_PARKED_AGAIN_S = 3600.0


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


def bring_back(db: Connection, now: datetime) -> int:
    """Let orders be looked at now whose look a clock put off that has been set back since.

    The look at the time to answer stands at that very moment, whatever the clock. Returns how many.
    """
    answer_by = select(hub_orders.c.answer_by).where(hub_orders.c.order_id == reviews.c.order_id)
    at_its_end = reviews.c.due_at == answer_by.scalar_subquery()
    ahead = is_ahead(reviews.c.due_at, now, timedelta(seconds=_PARKED_AGAIN_S)) & ~at_its_end
    return db.execute(update(reviews).where(ahead).values(due_at=now)).rowcount


def failed(db: Connection, order_id: int, why: str, now: datetime) -> bool:
    """Our own fault: it is looked at later. True when people must see to it, once in a row."""
    mine = reviews.c.order_id == order_id
    is_due = mine & (reviews.c.due_at <= now)
    if db.execute(select(reviews.c.id).where(is_due).limit(1)).first() is None:
        return False
    # The one that is kept for later counts too: an answer of a farmer begins no new row.
    times: int = db.execute(select(func.max(reviews.c.attempts)).where(mine)).scalar_one() + 1
    db.execute(delete(reviews).where(is_due | (mine & (reviews.c.attempts > 0))))
    wait_s = _AGAIN_FIRST_S * 2.0 ** (times - 1) if times < FAILURES_MAX else _PARKED_AGAIN_S
    due_at = now + timedelta(seconds=wait_s)
    db.execute(insert(reviews).values(order_id=order_id, due_at=due_at, attempts=times))
    if times != FAILURES_MAX:
        return False
    code = db.execute(select(orders.c.code).where(orders.c.id == order_id)).scalar_one()
    open_ticket(
        db, category="order", msisdn="", contact_id=None, about=str(code),
        text=TicketSentence.NOT_OFFERED.format(fault=why)[:320], language="en", now=now,
    )  # fmt: skip
    return True
