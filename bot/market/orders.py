"""The hub's orders, and turning them into offers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, bindparam, insert, select

from bot.market import news, notices
from bot.market.news import NEVER, QuietHours
from bot.market.offers import Offer, by_id, offer_again
from bot.market.share import Line, split
from bot.storage.prepared import Prepared
from bot.storage.schema import offers, orders

# A flash sale makes thousands of orders in a minute: these are put together once.
_with_code = Prepared(select(orders.c.id).where(orders.c.code == bindparam("code")), "code")
_new_order = Prepared(
    insert(orders).returning(orders.c.id),
    *("code", "product", "packs", "pack_g", "price_rwf", "sale_price_rwf", "deductions"),
    *("collection_point", "deliver_by", "placed_at"),
)
_price_of = Prepared(select(orders.c.price_rwf).where(orders.c.id == bindparam("id")), "id")
_offered = Prepared(
    select(offers.c.id, offers.c.state).where(
        offers.c.order_id == bindparam("order_id"), offers.c.contact_id == bindparam("contact_id")
    ),
    *("order_id", "contact_id"),
)
_new_offer = Prepared(
    insert(offers).returning(offers.c.id),
    *("order_id", "contact_id", "packs", "price_rwf", "answer_by"),
)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What the hub orders: prices are for a pack, in whole francs."""

    code: str
    product: str
    packs: int
    pack_g: int
    price_rwf: int
    sale_price_rwf: int
    deductions: tuple[Line, ...]
    collection_point: str
    deliver_by: datetime


def create_order(db: Connection, order: NewOrder, now: datetime) -> int:
    """Keep an order once for its code; its id. Raises `DoesNotAddUp` before anything is kept."""
    split(order, 1)
    known = _with_code.one(db, order.code)
    if known is not None:
        return int(known[0])
    listed = [
        {"name": line.name, "to": line.to, "amount_rwf": line.amount_rwf}
        for line in order.deductions
    ]
    values = {
        "code": order.code,
        "product": order.product,
        "packs": order.packs,
        "pack_g": order.pack_g,
        "price_rwf": order.price_rwf,
        "sale_price_rwf": order.sale_price_rwf,
        "deductions": listed,
        "collection_point": order.collection_point,
        "deliver_by": order.deliver_by,
        "placed_at": now,
    }
    row = _new_order.one(db, *values.values())
    return int(row[0]) if row else 0


def make_offer(
    db: Connection,
    order_id: int,
    contact_id: int,
    packs: int,
    answer_by: datetime,
    service_code: str,
    now: datetime,
    timezone: str,
    quiet: QuietHours = NEVER,
) -> int:
    """Offer `packs` of an order to a person, once, and tell them what to dial; the offer's id.

    One that was withdrawn is offered again: who may be asked again, `supply` says.
    The last day to answer is told on the clock of `timezone`, the hub's; not in the `quiet` hours.
    """
    known = _offered.one(db, order_id, contact_id)
    if known is not None and known[1] != "withdrawn":
        return int(known[0])
    if known is not None:
        offer = offer_again(db, int(known[0]), packs, answer_by, now)
    else:
        offer = _first_offer(db, order_id, contact_id, packs, answer_by)
    if offer is None:
        return 0
    words = partial(notices.offer_arrived, offer, service_code, timezone)
    key = f"offered:{offer.id}" if known is None else f"offered:{offer.id}:{offer.version}"
    news.tell(db, contact_id, key, words, now, quiet, before=answer_by)
    return offer.id


def _first_offer(
    db: Connection, order_id: int, contact_id: int, packs: int, answer_by: datetime
) -> Offer | None:
    price = _price_of.one(db, order_id)
    if price is None:
        return None
    row = _new_offer.one(db, order_id, contact_id, packs, price[0], answer_by)
    return by_id(db, int(row[0]) if row else 0, contact_id)
