"""Orders of the marketplace's hub: taken once, line by line; withdrawn where nobody accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, insert, select, update

from bot.market import Actor, hub_news, items, offers, rates
from bot.market.orders import NewOrder, create_order
from bot.market.products import PRODUCTS
from bot.market.rates import NotWhole, Rate
from bot.market.share import Line
from bot.storage.prepared import Prepared
from bot.storage.schema import hub_orders as rows
from bot.storage.schema import offers as offer_rows
from bot.storage.schema import orders

_ANSWER_IN, _DELIVER_IN_DAYS = timedelta(hours=48), 11
# Short enough for every screen.
_CODE = re.compile(r"[A-Z]{2,3}-[0-9]{1,5}")
_AMOUNT_MAX_RWF = 5_000_000
_POINT = "Kigali"

# A flash sale brings thousands in a minute: these are put together once.
_lines = Prepared(
    select(rows.c.order_id)
    .where(rows.c.source == bindparam("source"), rows.c.hub_order_id == bindparam("hub_order_id"))
    .order_by(rows.c.line),
    *("source", "hub_order_id"),
)
_new = Prepared(
    insert(rows),
    *("order_id", "source", "hub_order_id", "line", "sku", "grade", "district", "answer_by"),
    *("currency", "unit_price", "rate_id"),
)
_newest = Prepared(select(func.max(orders.c.id)).where(orders.c.id > bindparam("after")), "after")
_with_code = Prepared(select(orders.c.id).where(orders.c.code == bindparam("code")), "code")


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


@dataclass(frozen=True, slots=True)
class Progress:
    """Where one line of a hub's order stands."""

    line: int
    code: str
    state: str
    packs: int
    packs_accepted: int
    offers_open: int
    answer_by: datetime
    price_rwf: int
    sale_price_rwf: int


def take(db: Connection, wanted: Wanted, now: datetime, timezone: str) -> list[int]:
    """Keep an order, every line as one of ours, to be offered by who takes it; the ids of ours.

    Taken before, it stays as it was, and [] is given. Raises `Refused`, and `NoRate`, before
    anything is kept.
    """
    if _ids(db, wanted.source, wanted.hub_order_id):
        return []
    _check_total(wanted)
    zone = ZoneInfo(timezone)
    rate = rates.rate_on(db, wanted.currency, now.astimezone(zone).date())
    made = [_order_of(db, wanted, line, rate, now, zone) for line in wanted.lines]
    answer_by = min(wanted.answer_by or now + _ANSWER_IN, *(one.deliver_by for one, _g in made))
    if answer_by <= now:
        raise Refused("the time to answer, or to deliver, is over already")
    ids = []
    for number, ((order, grade), line) in enumerate(zip(made, wanted.lines, strict=True), 1):
        ids.append(_keep(db, wanted, number, line, order, grade, answer_by, rate, now))
    return ids


def cancel(
    db: Connection, source: str, hub_order_id: str, key: str, now: datetime
) -> tuple[int, int] | None:
    """Withdraw what nobody has accepted; (packs withdrawn, packs accepted before).

    None when there is no such order. What farmers have accepted stands: they may have packed it.
    """
    ids = _ids(db, source, hub_order_id)
    if not ids:
        return None
    # First the order, as the allocation does: no new offer comes in between.
    same = rows.c.order_id.in_(ids)
    open_now = select(rows.c.order_id).where(same, rows.c.state == "open").order_by(rows.c.id)
    for order_id in list(db.execute(open_now.with_for_update()).scalars()):
        _withdraw(db, order_id, key, now)
    query = select(
        func.sum(orders.c.packs - orders.c.packs_accepted), func.sum(orders.c.packs_accepted)
    )
    left, accepted = db.execute(query.where(orders.c.id.in_(ids))).one()
    return int(left), int(accepted)


def progress(db: Connection, source: str, hub_order_id: str) -> list[Progress]:
    """Where each line of an order stands; [] when it is not known."""
    waits = (
        select(func.count())
        .where(offer_rows.c.order_id == orders.c.id, offer_rows.c.state == "offered")
        .scalar_subquery()
    )
    query = (
        select(
            rows.c.line, orders.c.code, rows.c.state, orders.c.packs, orders.c.packs_accepted,
            waits, rows.c.answer_by, orders.c.price_rwf, orders.c.sale_price_rwf,
        )
        .join(orders, orders.c.id == rows.c.order_id)
        .where(rows.c.source == source, rows.c.hub_order_id == hub_order_id)
        .order_by(rows.c.line)
    )  # fmt: skip
    return [Progress(*row) for row in db.execute(query).all()]


def offers_of(
    db: Connection, source: str, hub_order_id: str, line: int | None, states: tuple[str, ...]
) -> list[int]:
    """The offers of an order, or of one of its lines, that stand in one of `states`."""
    query = (
        select(offer_rows.c.id)
        .join(rows, rows.c.order_id == offer_rows.c.order_id)
        .where(rows.c.source == source, rows.c.hub_order_id == hub_order_id)
        .where(offer_rows.c.state.in_(states))
        .order_by(offer_rows.c.id)
    )
    if line is not None:
        query = query.where(rows.c.line == line)
    return list(db.execute(query).scalars())


def _ids(db: Connection, source: str, hub_order_id: str) -> list[int]:
    return [row[0] for row in _lines.all(db, source, hub_order_id)]


def _check_total(wanted: Wanted) -> None:
    total = sum(line.qty * Decimal(line.unit_price) for line in wanted.lines)
    if wanted.total is not None and total != Decimal(wanted.total):
        raise Refused(f"the lines make {total}, and total says {wanted.total}")


def _order_of(
    db: Connection, wanted: Wanted, line: WantedLine, rate: Rate, now: datetime, zone: ZoneInfo
) -> tuple[NewOrder, str]:
    """One line as an order of ours, and the grade it wants; its code is given later."""
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


def _keep(
    db: Connection,
    wanted: Wanted,
    number: int,
    line: WantedLine,
    order: NewOrder,
    grade: str,
    answer_by: datetime,
    rate: Rate,
    now: datetime,
) -> int:
    order_id = create_order(db, replace(order, code=_code_for(db, wanted)), now)
    values = {
        "order_id": order_id,
        "source": wanted.source,
        "hub_order_id": wanted.hub_order_id,
        "line": number,
        "sku": line.sku,
        "grade": grade,
        "district": wanted.district,
        "answer_by": answer_by,
        "currency": wanted.currency,
        "unit_price": line.unit_price,
        "rate_id": rate.id or None,
    }
    _new.run(db, values)
    hub_news.review(db, order_id, answer_by)
    return order_id


def _code_for(db: Connection, wanted: Wanted) -> str:
    """The hub's own id where people can read it and it is free, else a number of ours."""
    own = wanted.hub_order_id
    if len(wanted.lines) == 1 and _CODE.fullmatch(own) and _is_free(db, own):
        return own
    newest = _newest.one(db, 0)
    number = 1 + ((newest and newest[0]) or 0)
    while not _is_free(db, f"HB-{number}"):
        number += 1
    return f"HB-{number}"


def _is_free(db: Connection, code: str) -> bool:
    return _with_code.one(db, code) is None


def _withdraw(db: Connection, order_id: int, key: str, now: datetime) -> None:
    waiting = select(offer_rows.c.id).where(
        offer_rows.c.order_id == order_id, offer_rows.c.state == "offered"
    )
    actor = Actor("hub", "hub", key)
    # Locked before they are changed, and in one order: somebody may be accepting at this moment.
    for offer_id in list(db.execute(waiting.order_by(offer_rows.c.id).with_for_update()).scalars()):
        offers.move(db, actor, offer_id, "withdraw", now)
    same = rows.c.order_id == order_id
    db.execute(update(rows).where(same).values(state="cancelled"))
    data = hub_news.about_order(db, order_id)
    hub_news.tell(db, "order.cancelled", f"o{order_id}", f"{order_id}:{key}", data, now)
