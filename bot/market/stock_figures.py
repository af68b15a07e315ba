"""How much of a product somebody has and has promised, in grams: kept from what they offer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from bot.market import people
from bot.market.brought import holds_stock
from bot.market.products import PRODUCTS
from bot.storage.schema import hub_orders, offers, orders, stocks
from bot.storage.schema import stock_listings as rows


def lock(db: Connection, contact_id: int, product: str) -> None:
    """Whoever accepts an order of it at this moment comes before us, or after us."""
    people.hold(db, contact_id)
    db.execute(select(stocks.c.id).where(_figure(contact_id, product)).with_for_update()).first()


def tell(db: Connection, contact_id: int, product: str) -> None:
    """Keep the figure against which accepting is checked; who offers nothing has none."""
    if PRODUCTS[product].unit != "kg":
        return
    open_kg = _open_kg(db, contact_id, product)
    if not open_kg:
        db.execute(delete(stocks).where(_figure(contact_id, product)))
        return
    values = _values(db, contact_id, product, open_kg)
    if not db.execute(update(stocks).where(_figure(contact_id, product)).values(values)).rowcount:
        db.execute(insert(stocks).values(contact_id=contact_id, product=product, **values))


def promised_g(db: Connection, contact_id: int, product: str) -> int:
    """What is accepted and not handed over yet, in grams; also where that is disputed."""
    waits = (offers.c.contact_id == contact_id) & holds_stock()
    query = (
        select(func.sum(offers.c.packs_accepted * orders.c.pack_g))
        .join(orders, orders.c.id == offers.c.order_id)
        .where(waits, orders.c.product == product)
    )
    return int(db.execute(query).scalar() or 0)


def hand_over(db: Connection, offer_id: int, now: datetime) -> None:
    """Take what was just handed over off what the person offers: nobody else can have it.

    Who has handed over all has nothing free until they offer anew.
    """
    gone = _part(db, offer_id)
    contact_id, product = gone["contact_id"], gone["product"]
    if _lock_figure(db, contact_id, product):
        _take_off(db, contact_id, product, gone["grade"] or "", -(-gone["weight_g"] // 1000), now)
        _reckon(db, contact_id, product)


def give_back(db: Connection, offer_id: int) -> None:
    """What was called off before it was handed over is promised no more."""
    kept = _part(db, offer_id)
    if _lock_figure(db, kept["contact_id"], kept["product"]):
        _reckon(db, kept["contact_id"], kept["product"])


def _part(db: Connection, offer_id: int) -> RowMapping:
    query = (
        select(
            offers.c.contact_id, orders.c.product, hub_orders.c.grade,
            (offers.c.packs_accepted * orders.c.pack_g).label("weight_g"),
        )
        .join(orders, orders.c.id == offers.c.order_id)
        .outerjoin(hub_orders, hub_orders.c.order_id == orders.c.id)
        .where(offers.c.id == offer_id)
    )  # fmt: skip
    return db.execute(query).mappings().one()


def _lock_figure(db: Connection, contact_id: int, product: str) -> bool:
    """Whether this person has told us what they have; if so it is held."""
    lock(db, contact_id, product)
    figure = select(stocks.c.id).where(_figure(contact_id, product))
    return db.execute(figure).first() is not None


def _reckon(db: Connection, contact_id: int, product: str) -> None:
    values = _values(db, contact_id, product, _open_kg(db, contact_id, product))
    db.execute(update(stocks).where(_figure(contact_id, product)).values(values))


def _take_off(
    db: Connection, contact_id: int, product: str, grade: str, gone_kg: int, now: datetime
) -> None:
    """From the grade that was ordered first, and there from what was offered first."""
    other = case((rows.c.grade == grade, 0), else_=1)
    mine = select(rows.c.id, rows.c.units).where(_open(contact_id, product))
    for row in db.execute(mine.order_by(other, rows.c.id)).all():
        less = min(gone_kg, row.units)
        if not less:
            return
        gone_kg -= less
        left = row.units - less
        values = {"units": left} if left else {"state": "withdrawn"}
        change = update(rows).where(rows.c.id == row.id)
        db.execute(change.values(version=rows.c.version + 1, changed_at=now, **values))


def _values(db: Connection, contact_id: int, product: str, open_kg: int) -> dict[str, int]:
    promised = promised_g(db, contact_id, product)
    return {"available_g": max(open_kg * 1000, promised), "promised_g": promised}


def _open_kg(db: Connection, contact_id: int, product: str) -> int:
    query = select(func.sum(rows.c.units)).where(_open(contact_id, product))
    return int(db.execute(query).scalar() or 0)


def _open(contact_id: int, product: str) -> ColumnElement[bool]:
    whose = (rows.c.contact_id == contact_id) & (rows.c.product == product)
    return whose & (rows.c.state == "open")


def _figure(contact_id: int, product: str) -> ColumnElement[bool]:
    return (stocks.c.contact_id == contact_id) & (stocks.c.product == product)
