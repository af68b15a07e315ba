"""Who can supply an order, in the order of the rule (points 1 and 2 of `allocation_rule`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    not_,
    select,
)

from bot.market.allocation_rule import Candidate
from bot.market.brought import holds_stock
from bot.market.products import CROPS, PRODUCTS
from bot.storage.prepared import Prepared
from bot.storage.schema import (
    contacts,
    hub_orders,
    offer_events,
    offers,
    orders,
    stocks,
    supply_turns,
)
from bot.storage.schema import stock_listings as listings

# So many are looked at first: most orders need no more.
PAGE = 60


def _who_is_able() -> Select[Any]:
    """Points 1 and 2 of the rule, as one query."""
    zero: ColumnElement[int] = literal_column("0")
    one: ColumnElement[int] = literal_column("1")
    grade: ColumnElement[str] = bindparam("grade", type_=stocks.c.grade.type)
    theirs = (stocks.c.contact_id == contacts.c.id) & (stocks.c.product == bindparam("product"))
    free = _free_of_the_grade(grade)
    asked = select(offers.c.contact_id).where(
        offers.c.order_id == bindparam("order_id"), not_(_called_off())
    )
    enough = free >= bindparam("pack_g")
    # Where an order wants a grade, a stock of which nobody knows the grade is not it.
    no_grade = grade == bindparam("none")
    any_grade = (stocks.c.id.is_(None) | enough) & no_grade
    near = case((contacts.c.district == bindparam("district"), zero), else_=one)
    turn = func.coalesce(supply_turns.c.last_turn, zero)
    return (
        select(contacts.c.id, free, near, turn)
        .outerjoin(stocks, theirs)
        .outerjoin(supply_turns, supply_turns.c.contact_id == contacts.c.id)
        .where(contacts.c.crop == bindparam("crop"), contacts.c.role != bindparam("not_role"))
        .where(contacts.c.msisdn.is_not(None), contacts.c.erased_at.is_(None))
        .where(contacts.c.verify_since.is_(None), contacts.c.id.not_in(asked))
        .where(any_grade | enough)
        .order_by(case((stocks.c.id.is_(None), one), else_=zero), near, turn, contacts.c.id)
        .limit(bindparam("many", type_=Integer))
        .offset(bindparam("start", type_=Integer))
    )


def _called_off() -> ColumnElement[bool]:
    """Whether it was the hub, and nobody else, that withdrew an offer: it may be made again."""
    by_others = exists().where(
        offer_events.c.offer_id == offers.c.id,
        offer_events.c.to_state == literal_column("'withdrawn'"),
        offer_events.c.by != literal_column("'hub'"),
    )
    return (offers.c.state == literal_column("'withdrawn'")) & not_(by_others)


def _free_of_the_grade(grade: ColumnElement[str]) -> ColumnElement[int]:
    """What of a stock is not promised, in grams; of it only what is offered in the wanted grade.

    What the collection point itself found to be of the grade is so as a whole.
    """
    free = stocks.c.available_g - stocks.c.promised_g
    of_whom = (listings.c.contact_id == stocks.c.contact_id) & (
        listings.c.product == stocks.c.product
    )
    offered = select(func.sum(cast(listings.c.units, BigInteger) * literal_column("1000"))).where(
        of_whom, listings.c.grade == grade, listings.c.state == literal_column("'open'")
    )
    given = _promised_of_the_grade(grade)
    zero: ColumnElement[int] = literal_column("0")
    there = func.coalesce(offered.scalar_subquery(), zero) - func.coalesce(given, zero)
    whole = (grade == bindparam("none")) | (stocks.c.grade == grade) | (there >= free)
    return case((whole, free), else_=cast(there, BigInteger))


def _promised_of_the_grade(grade: ColumnElement[str]) -> ColumnElement[int]:
    """What of a stock is promised to orders that want the grade, in grams."""
    mine = (offers.c.contact_id == stocks.c.contact_id) & holds_stock()
    query = (
        select(func.sum(offers.c.packs_accepted * cast(orders.c.pack_g, BigInteger)))
        .join(orders, orders.c.id == offers.c.order_id)
        .join(hub_orders, hub_orders.c.order_id == orders.c.id)
        .where(mine, orders.c.product == stocks.c.product, hub_orders.c.grade == grade)
    )
    return query.scalar_subquery()


# A flash sale asks this thousands of times in a minute: it is put together once.
_able = Prepared(
    _who_is_able(),
    *("product", "pack_g", "grade", "district", "crop", "order_id", "not_role", "none"),
    *("many", "start"),
)


def able_to_supply(
    db: Connection,
    order_id: int,
    product: str,
    pack_g: int,
    grade: str,
    district: str,
    start: int = 0,
    many: int = PAGE,
) -> list[Candidate]:
    """Those who can be asked for this order, in the order of the rule: `many` from `start` on.

    `grade` and `district` are "" where the order names none. Their free stock is in grams.
    """
    crop = PRODUCTS[product].crop
    crop = crop if crop in CROPS else "other"
    found = _able.all(db, product, pack_g, grade, district, crop, order_id, "host", "", many, start)
    offered = _offered_g(db, product, [one[0] for one in found if one[1] is not None])
    return [
        Candidate(
            contact_id,
            None if free_g is None else free_g - offered.get(contact_id, 0),
            far == 0,
            last,
        )
        for contact_id, free_g, far, last in found
    ]


def _offered_g(db: Connection, product: str, contact_ids: list[int]) -> dict[int, int]:
    """What of their stock these have been offered elsewhere and not answered yet, in grams."""
    if not contact_ids:
        return {}
    query = (
        select(offers.c.contact_id, func.sum(offers.c.packs * orders.c.pack_g))
        .join(orders, orders.c.id == offers.c.order_id)
        .where(offers.c.contact_id.in_(contact_ids), offers.c.state == "offered")
        .where(orders.c.product == product)
        .group_by(offers.c.contact_id)
    )
    return {row[0]: int(row[1]) for row in db.execute(query).all()}
