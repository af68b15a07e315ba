"""What still waits in a store, and when the next of it is due."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.market import outages
from bot.market.payments import OPEN
from bot.storage.schema import operators, outbox, payments


def waits(db: Connection) -> list[str]:
    """News that has not left, payments of which nobody knows yet, and outages that are not over."""
    news = select(outbox.c.dedupe_key).where(outbox.c.state == "waiting")
    money = select(payments.c.reference).where(payments.c.state.in_(OPEN))
    # Money first: what it comes to writes news, which a look at news before it would miss.
    open_now = [f"payment {reference}" for reference in db.execute(money).scalars()]
    open_now += [f"news {key}" for key in db.execute(news).scalars()]
    return open_now + [f"operator {provider}" for provider in outages.shut(db)]


def next_due(db: Connection) -> datetime | None:
    """The first moment at which the server has something to do; it may be past."""
    held = func.coalesce(outbox.c.lease_until, outbox.c.due_at)
    # What waits for an operator that is out of order has no moment but the operator's own.
    leaves = outbox.c.via.not_in(outages.shut(db))
    free = select(func.min(held)).where(outbox.c.state == "waiting", leaves)
    asks = payments.c.provider.not_in(outages.down(db))
    asked = select(func.min(payments.c.look_up_at)).where(payments.c.state.in_(OPEN), asks)
    tried = select(func.min(operators.c.next_at)).where(operators.c.state != "working")
    found = [_moment(db.execute(query).scalar(), outbox.c.due_at) for query in (free, asked, tried)]
    return min((moment for moment in found if moment is not None), default=None)


def _moment(value, column) -> datetime | None:
    """A moment from a function of SQL, which has lost its column's type."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return column.type.process_result_value(value, None)
