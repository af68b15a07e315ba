"""What another currency is worth in francs: rates with their day and source, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, insert, select

from bot.storage.schema import rates

HOME = "RWF"
MICRO = 1_000_000
# An older rate is no rate: what is promised to a farmer must not hang on it.
_OLD_AFTER = timedelta(days=7)


class NoRate(Exception):
    """There is no rate of this currency that is new enough."""


class NotWhole(Exception):
    """A price in francs that is not whole."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `currency` on `day`, in millionths of a franc; `id` 0 is the franc itself."""

    id: int
    currency: str
    day: date
    micro_rwf: int
    source: str

    def in_rwf(self, price: str) -> int:
        """A price such as "12.50", in whole francs, rounded down. Raises `NotWhole`.

        Down, so that nobody is promised a part of a franc that no wallet can pay.
        """
        cents = Decimal(price) * 100
        if cents != int(cents) or (self.id == 0 and int(cents) % 100):
            raise NotWhole(price)
        return int(cents) * self.micro_rwf // (100 * MICRO)


def enter(
    db: Connection, currency: str, day: date, per_unit: Decimal, source: str, now: datetime
) -> bool:
    """Keep a rate; False when there is one of this day, which stays. Raises ValueError.

    `per_unit` is the francs for one unit, with six decimals at most.
    """
    micro = per_unit * MICRO
    if micro <= 0 or micro != int(micro):
        raise ValueError("a rate is above zero and has six decimals at most")
    same = (rates.c.currency == currency) & (rates.c.day == day)
    if db.execute(select(rates.c.id).where(same)).first() is not None:
        return False
    row = {
        "currency": currency,
        "day": day,
        "micro_rwf": int(micro),
        "source": source[:80],
        "entered_at": now,
    }
    db.execute(insert(rates).values(row))
    return True


def rate_on(db: Connection, currency: str, day: date) -> Rate:
    """The newest rate of or before `day`. Raises `NoRate` when it is older than a week."""
    if currency == HOME:
        return Rate(0, HOME, day, MICRO, "")
    query = (
        select(rates.c.id, rates.c.currency, rates.c.day, rates.c.micro_rwf, rates.c.source)
        .where(rates.c.currency == currency, rates.c.day <= day, rates.c.day > day - _OLD_AFTER)
        .order_by(rates.c.day.desc())
        .limit(1)
    )
    row = db.execute(query).first()
    if row is None:
        raise NoRate(f"no rate of {currency} of the week before {day}: isoko hub rate {currency} …")
    return Rate(*row)


def load_demo_rates(db: Connection, day: date, now: datetime) -> None:
    """Made-up rates of `day` for the demo, of a size that is usual; their source says so."""
    for currency, per_unit in (("USD", "1450"), ("CNY", "203.5")):
        enter(db, currency, day, Decimal(per_unit), "demo, made up", now)
