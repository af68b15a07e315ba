"""What is taken of a product's price before the farmer has it: by whom, how much, from which day.

Published like a price: kept with its day and source, never changed; a newer day takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from bot.market.share import Line, Split
from bot.storage.schema import audit
from bot.storage.schema import price_fees as rows


@dataclass(frozen=True, slots=True)
class Fee:
    """What somebody takes of the price of one unit: thousandths of it, whole francs, or both."""

    name: str
    to: str
    permille: int = 0
    amount_rwf: int = 0

    def of(self, price_rwf: int) -> int:
        """How many francs of this price, rounded down to a whole one."""
        return self.amount_rwf + price_rwf * self.permille // 1000


@dataclass(frozen=True, slots=True)
class Fees:
    """All that is taken of a product's price from `valid_from` on, and who says so."""

    product: str
    valid_from: date
    source: str
    fees: tuple[Fee, ...]

    def split(self, price_rwf: int) -> Split | None:
        """How a price of one unit is shared, to the last franc; None when nothing would be left."""
        lines = tuple(Line(fee.name, fee.to, fee.of(price_rwf)) for fee in self.fees)
        net_rwf = price_rwf - sum(line.amount_rwf for line in lines)
        return Split(price_rwf, lines, net_rwf) if net_rwf > 0 else None


def publish(db: Connection, hub: str, new: Fees, by: str, now: datetime, second: str = "") -> bool:
    """Keep what is taken from a day on; False when that day has its fees, which stay.

    `by` is the name of a member of staff, `second` of who approved it.
    Raises ValueError for fees that are none.
    """
    name = by.strip()[:40]
    if not name:
        raise ValueError("--by must be the name of a member of staff")
    check(new)
    if are_there(db, hub, new):
        return False
    row: dict[str, Any] = {
        "hub": hub,
        "product": new.product,
        "valid_from": new.valid_from,
        "source": new.source[:80],
        "fees": as_rows(new.fees),
        "entered_at": now,
    }
    db.execute(insert(rows), row)
    line = {
        "at": now,
        "actor": name,
        "action": "fees published",
        "subject": f"fees of {new.product} from {new.valid_from}",
        "details": {"fees": row["fees"]} | ({"second": second} if second else {}),
    }
    db.execute(insert(audit), line)
    return True


def are_there(db: Connection, hub: str, new: Fees) -> bool:
    """Whether this product has its fees of this day."""
    same = (rows.c.hub == hub, rows.c.product == new.product, rows.c.valid_from == new.valid_from)
    return db.execute(select(rows.c.id).where(*same)).first() is not None


def as_rows(fees: tuple[Fee, ...]) -> list[dict[str, Any]]:
    """The fees as a table keeps them."""
    return [
        {"name": fee.name, "to": fee.to, "permille": fee.permille, "amount_rwf": fee.amount_rwf}
        for fee in fees
    ]


def every_one(db: Connection, hub: str) -> list[Fees]:
    """All fees that were ever published for a hub, the newest day first."""
    which = rows.c.product, rows.c.valid_from, rows.c.source, rows.c.fees
    query = select(*which).where(rows.c.hub == hub)
    return [
        Fees(product, day, source, tuple(Fee(**fee) for fee in fees))
        for product, day, source, fees in db.execute(query.order_by(rows.c.valid_from.desc()))
    ]


def version(db: Connection) -> tuple[int, int]:
    """Goes up with whatever is published: rows are only added."""
    count, newest = db.execute(select(func.count(), func.max(rows.c.id))).one()
    return count, newest or 0


def check(new: Fees) -> None:
    """Raises ValueError for fees that are none."""
    if sum(fee.permille for fee in new.fees) >= 1000:
        raise ValueError("the fees leave nothing for the farmer")
    if any(fee.permille < 0 or fee.amount_rwf < 0 for fee in new.fees):
        raise ValueError("a fee is not below zero")
    if any(not (0 < len(word) <= 24) for fee in new.fees for word in (fee.name, fee.to)):
        raise ValueError("what a fee is for, and who gets it, have 1 to 24 characters")
