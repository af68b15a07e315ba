"""What people hear of an outage: each once in it, and once of its end."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from bot.market import news, notices
from bot.market.lines import line_of
from bot.market.payments import Payment
from bot.storage.schema import operators


def tell(
    db: Connection, payment: Payment, what: Literal["down", "back"], outage: int, now: datetime
) -> None:
    """Tell the payment's person; of the same `outage` nothing is told twice."""
    key = f"{what}:{line_of(payment)}:{outage}:{payment.contact_id}"
    words = notices.wallet_down if what == "down" else notices.wallet_back
    news.tell(db, payment.contact_id, key, lambda: words(payment), now)


def tell_if_down(db: Connection, payment: Payment, now: datetime) -> None:
    """It was only now let go, and waits for an operator that is out of order."""
    down = (operators.c.provider == line_of(payment)) & (operators.c.state == "down")
    outage = db.execute(select(operators.c.outage).where(down)).scalar()
    if outage is not None:
        tell(db, payment, "down", outage, now)
