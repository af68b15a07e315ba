"""What still waits in a store, and when the next of it is due."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.market.payments import OPEN
from bot.storage.schema import outbox, payments


def waits(db: Connection) -> list[str]:
    """News that has not left, and payments of which nobody knows yet."""
    news = select(outbox.c.dedupe_key).where(outbox.c.state == "waiting")
    money = select(payments.c.reference).where(payments.c.state.in_(OPEN))
    # Money first: what it comes to writes news, which a look at news before it would miss.
    open_now = [f"payment {reference}" for reference in db.execute(money).scalars()]
    return open_now + [f"news {key}" for key in db.execute(news).scalars()]


def next_due(db: Connection) -> datetime | None:
    """The first moment at which the server has something to do; it may be past."""
    held = func.coalesce(outbox.c.lease_until, outbox.c.due_at)
    free = select(func.min(held)).where(outbox.c.state == "waiting")
    asked = select(func.min(payments.c.look_up_at)).where(payments.c.state.in_(OPEN))
    found = [_moment(db.execute(query).scalar(), outbox.c.due_at) for query in (free, asked)]
    return min((moment for moment in found if moment is not None), default=None)


def _moment(value, column) -> datetime | None:
    """A moment from a function of SQL, which has lost its column's type."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return column.type.process_result_value(value, None)
