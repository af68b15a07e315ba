"""The hub's orders, and turning them into offers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, insert, select

from bot.market import news, notices
from bot.market.news import NEVER, QuietHours
from bot.market.offers import by_id
from bot.market.share import Line, split
from bot.storage.schema import offers, orders


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
    known = db.execute(select(orders.c.id).where(orders.c.code == order.code)).scalar()
    if known is not None:
        return int(known)
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
    key = db.execute(insert(orders).values(values)).inserted_primary_key
    return int(key[0]) if key else 0


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

    The last day to answer is told on the clock of `timezone`, the hub's; not in the `quiet` hours.
    """
    same = (offers.c.order_id == order_id) & (offers.c.contact_id == contact_id)
    known = db.execute(select(offers.c.id).where(same)).scalar()
    if known is not None:
        return int(known)
    price = select(orders.c.price_rwf).where(orders.c.id == order_id).scalar_subquery()
    values = {
        "order_id": order_id,
        "contact_id": contact_id,
        "packs": packs,
        "price_rwf": price,
        "answer_by": answer_by,
    }
    key = db.execute(insert(offers).values(values)).inserted_primary_key
    offer_id = int(key[0]) if key else 0
    offer = by_id(db, offer_id, contact_id)
    if offer is not None:
        words = partial(notices.offer_arrived, offer, service_code, timezone)
        leaves_at = quiet.leaves_at(now, answer_by)
        news.tell(db, contact_id, f"offered:{offer_id}", words, now, leaves_at)
    return offer_id
