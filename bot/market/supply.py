"""Who can supply an order, in the order of the rule (points 1 and 2 of `allocation_rule`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
)

from bot.market.allocation_rule import Candidate
from bot.market.products import CROPS, PRODUCTS
from bot.storage.prepared import Prepared
from bot.storage.schema import contacts, offers, orders, stocks, supply_turns

_LOOKED_AT = 60


def _who_is_able() -> Select[Any]:
    """Points 1 and 2 of the rule, as one query."""
    zero: ColumnElement[int] = literal_column("0")
    one: ColumnElement[int] = literal_column("1")
    grade: ColumnElement[str] = bindparam("grade", type_=stocks.c.grade.type)
    theirs = (stocks.c.contact_id == contacts.c.id) & (stocks.c.product == bindparam("product"))
    free = stocks.c.available_g - stocks.c.promised_g
    asked = select(offers.c.contact_id).where(offers.c.order_id == bindparam("order_id"))
    enough = free >= bindparam("pack_g")
    # Where an order wants a grade, a stock of which nobody knows the grade is not it.
    any_grade = (stocks.c.id.is_(None) | enough) & (grade == bindparam("none"))
    near = case((contacts.c.district == bindparam("district"), zero), else_=one)
    turn = func.coalesce(supply_turns.c.last_turn, zero)
    return (
        select(contacts.c.id, free, near, turn)
        .outerjoin(stocks, theirs)
        .outerjoin(supply_turns, supply_turns.c.contact_id == contacts.c.id)
        .where(contacts.c.crop == bindparam("crop"), contacts.c.role != bindparam("not_role"))
        .where(contacts.c.msisdn.is_not(None), contacts.c.erased_at.is_(None))
        .where(contacts.c.verify_since.is_(None), contacts.c.id.not_in(asked))
        .where(any_grade | (enough & (stocks.c.grade == grade)))
        .order_by(case((stocks.c.id.is_(None), one), else_=zero), near, turn, contacts.c.id)
        .limit(literal_column(str(_LOOKED_AT)))
        # The store's own words for "from the first one" would be a value to fill in.
        .offset(literal_column("0"))
    )


# A flash sale asks this thousands of times in a minute: it is put together once.
_able = Prepared(
    _who_is_able(),
    *("product", "pack_g", "grade", "district", "crop", "order_id", "not_role", "none"),
)


def able_to_supply(
    db: Connection, order_id: int, product: str, pack_g: int, grade: str, district: str
) -> list[Candidate]:
    """Those who can be asked for this order, in the order of the rule; of many the first ones.

    `grade` and `district` are "" where the order names none. Their free stock is in grams.
    """
    crop = PRODUCTS[product].crop
    crop = crop if crop in CROPS else "other"
    found = _able.all(db, product, pack_g, grade, district, crop, order_id, "host", "")
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
