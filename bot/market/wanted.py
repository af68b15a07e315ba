"""What a hub wants, line by line, and what each line is as an order of ours: prices in francs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.market import items
from bot.market.orders import NewOrder
from bot.market.products import PRODUCTS
from bot.market.rates import NotWhole, Rate
from bot.market.share import Line

_DELIVER_IN_DAYS, _POINT = 11, "Kigali"
_AMOUNT_MAX_RWF = 5_000_000


class Refused(Exception):
    """The order cannot be taken as it is; the message says why, to the hub."""


@dataclass(frozen=True, slots=True)
class WantedLine:
    """So many packs at so much, of an item by its `sku` or of a product said in full."""

    qty: int
    unit_price: str
    sku: str = ""
    product: str = ""
    grade: str = ""
    pack_g: int = 0
    deductions: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order as a hub or a shop names it, under its own id."""

    source: str
    hub_order_id: str
    currency: str
    lines: tuple[WantedLine, ...]
    total: str | None = None
    answer_by: datetime | None = None
    deliver_by: datetime | None = None
    district: str = ""
    collection_point: str = ""


def check_total(wanted: Wanted) -> None:
    """Whether the lines make the total, where one is named. Raises `Refused`."""
    total = sum(line.qty * Decimal(line.unit_price) for line in wanted.lines)
    if wanted.total is not None and total != Decimal(wanted.total):
        raise Refused(f"the lines make {total}, and total says {wanted.total}")


def order_of(
    db: Connection, wanted: Wanted, line: WantedLine, rate: Rate, now: datetime, zone: ZoneInfo
) -> tuple[NewOrder, str]:
    """One line as an order of ours without its code, and the grade it wants. Raises `Refused`."""
    try:
        sale_rwf = rate.in_rwf(line.unit_price)
    except NotWhole as error:
        raise Refused(f"{error} is no whole number of francs") from error
    if not 0 < sale_rwf <= _AMOUNT_MAX_RWF:
        raise Refused(
            f"{line.unit_price} {wanted.currency} a pack is outside of what is traded here"
        )
    item = items.by_sku(db, line.sku) if line.sku else None
    product, pack_g, grade = line.product, line.pack_g, line.grade
    cuts, point, days = line.deductions, _POINT, _DELIVER_IN_DAYS
    if item is not None:
        product, pack_g, grade = item.product, item.pack_g, item.grade
        cuts = line.deductions or item.lines_of(sale_rwf)
        point, days = item.collection_point, item.deliver_days
    if product not in PRODUCTS or pack_g <= 0:
        raise Refused(f"nothing is sold here as {line.sku or line.product!r}")
    price_rwf = sale_rwf - sum(cut.amount_rwf for cut in cuts)
    if price_rwf <= 0:
        raise Refused("the deductions leave nothing for the farmer")
    last_day = now.astimezone(zone) + timedelta(days=days)
    deliver_by = wanted.deliver_by or last_day.replace(hour=16, minute=0, second=0, microsecond=0)
    where = wanted.collection_point or point
    order = NewOrder(
        "", product, line.qty, pack_g, price_rwf, sale_rwf, tuple(cuts), where, deliver_by
    )
    return order, grade
