"""Orders become offers by a rule that everybody may read, and every round of it is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, case, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.market import Hub, hub_news
from bot.market.allocation_rule import Candidate, Part, cut
from bot.market.news import NEVER, QuietHours
from bot.market.orders import make_offer
from bot.market.products import CROPS, PRODUCTS
from bot.storage.schema import (
    allocations,
    contacts,
    hub_orders,
    offers,
    orders,
    reviews,
    stocks,
    supply_turns,
)

_LOOKED_AT = 60
# Somebody may register meanwhile.
_LOOK_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AllocationRules:
    """How long a farmer has to answer, and how small a part may be."""

    offer_for: timedelta = timedelta(hours=12)
    smallest_packs: int = 20


def due(db: Connection, now: datetime, limit: int) -> list[int]:
    """The orders that must be looked at, those that have waited longest first."""
    query = (
        select(reviews.c.order_id)
        .where(reviews.c.due_at <= now)
        .group_by(reviews.c.order_id)
        .order_by(func.min(reviews.c.due_at))
        .limit(limit)
    )
    return list(db.execute(query).scalars())


def look_at(
    db: Connection,
    order_id: int,
    hub: Hub,
    rules: AllocationRules,
    now: datetime,
    quiet: QuietHours = NEVER,
) -> int:
    """Offer what is left of an order, or close it; how many offers were made.

    0 too while another process looks at it. The row lock keeps two from offering the same packs.
    """
    mine = select(hub_orders).where(hub_orders.c.order_id == order_id)
    row = db.execute(mine.with_for_update(skip_locked=True)).first()
    if row is None:
        return 0
    # What is asked for after this moment is another review.
    seen = (reviews.c.order_id == order_id) & (reviews.c.due_at <= now)
    db.execute(delete(reviews).where(seen))
    if row.state != "open":
        return 0
    standing = _standing(db, order_id)
    if standing.left <= 0:
        if standing.accepted >= standing.packs:
            _close(db, order_id, "filled", now)
        return 0
    if row.answer_by <= now:
        _expire(db, row, standing, now)
        return 0
    line = _line(db, row, standing)
    parts = cut(standing.left, standing.pack_g, line, rules.smallest_packs)
    if parts:
        _offer(db, row, parts, hub, rules, now, quiet)
    elif standing.waiting == 0:
        _nobody_left(db, row, standing, now)
    return len(parts)


@dataclass(frozen=True, slots=True)
class _Standing:
    """How much of an order is accepted, waits for an answer, was declined, and is left."""

    product: str
    packs: int
    pack_g: int
    accepted: int
    waiting: int
    declined: int

    @property
    def left(self) -> int:
        return self.packs - self.accepted - self.waiting


def _standing(db: Connection, order_id: int) -> _Standing:
    """In one query: an answer that is given meanwhile is in all of its figures or in none."""
    waiting = func.coalesce(
        func.sum(case((offers.c.state == "offered", offers.c.packs), else_=0)), 0
    )
    declined = func.count(case((offers.c.state == "declined", 1)))
    query = (
        select(
            orders.c.product, orders.c.packs, orders.c.pack_g, orders.c.packs_accepted,
            waiting, declined,
        )
        .outerjoin(offers, offers.c.order_id == orders.c.id)
        .where(orders.c.id == order_id)
        .group_by(orders.c.id)
    )  # fmt: skip
    return _Standing(*db.execute(query).one())


def _line(db: Connection, row: Row[Any], standing: _Standing) -> list[Candidate]:
    """Those who can be asked, in the order of the rule; of many the first ones."""
    crop = PRODUCTS[standing.product].crop
    crop = crop if crop in CROPS else "other"
    theirs = and_(stocks.c.contact_id == contacts.c.id, stocks.c.product == standing.product)
    free = stocks.c.available_g - stocks.c.promised_g
    asked = select(offers.c.contact_id).where(offers.c.order_id == row.order_id)
    fits = stocks.c.id.is_(None) | (free >= standing.pack_g)
    if row.grade:
        # Where an order wants a grade, a stock of which nobody knows the grade is not it.
        fits = (free >= standing.pack_g) & (stocks.c.grade == row.grade)
    near = case((contacts.c.district == row.district, 0), else_=1)
    turn = func.coalesce(supply_turns.c.last_turn, 0)
    query = (
        select(contacts.c.id, free, near, turn)
        .outerjoin(stocks, theirs)
        .outerjoin(supply_turns, supply_turns.c.contact_id == contacts.c.id)
        .where(contacts.c.crop == crop, contacts.c.role != "host")
        .where(contacts.c.msisdn.is_not(None), contacts.c.erased_at.is_(None))
        .where(contacts.c.verify_since.is_(None), contacts.c.id.not_in(asked), fits)
        .order_by(case((stocks.c.id.is_(None), 1), else_=0), near, turn, contacts.c.id)
        .limit(_LOOKED_AT)
    )
    found = db.execute(query).all()
    offered = _offered_g(db, standing.product, [one[0] for one in found if one[1] is not None])
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


def _offer(
    db: Connection,
    row: Row[Any],
    parts: Sequence[Part],
    hub: Hub,
    rules: AllocationRules,
    now: datetime,
    quiet: QuietHours,
) -> None:
    answer_by = min(now + rules.offer_for, row.answer_by)
    number = row.round + 1
    for part in parts:
        who = part.candidate
        offer_id = make_offer(
            db, row.order_id, who.contact_id, part.packs, answer_by, hub.service_code, now,
            hub.timezone, quiet,
        )  # fmt: skip
        why = {
            "place": part.place,
            "free_g": who.free_g,
            "near": who.near,
            "last_turn": who.last_turn,
            "grade": row.grade,
        }
        log = {
            "order_id": row.order_id,
            "round": number,
            "contact_id": who.contact_id,
            "offer_id": offer_id,
            "packs": part.packs,
            "why": why,
            "at": now,
        }
        db.execute(insert(allocations).values(log))
        # The offers' own numbers go up with time, so that they tell whose turn was when.
        _had_turn(db, who.contact_id, offer_id)
    same = hub_orders.c.order_id == row.order_id
    db.execute(update(hub_orders).where(same).values(round=number))
    data = hub_news.about_order(db, row.order_id)
    data |= {"round": number, "offers": len(parts), "offered": sum(part.packs for part in parts)}
    key = f"{row.order_id}:{number}"
    hub_news.tell(db, "order.allocated", f"o{row.order_id}", key, data, now)


def _had_turn(db: Connection, contact_id: int, turn: int) -> None:
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    fresh = dialect.insert(supply_turns).values(contact_id=contact_id, last_turn=turn)
    later = fresh.on_conflict_do_update(
        index_elements=[supply_turns.c.contact_id], set_={"last_turn": turn}
    )
    db.execute(later)


def _nobody_left(db: Connection, row: Row[Any], standing: _Standing, now: datetime) -> None:
    """Nobody else can be asked, and nobody is being asked."""
    if standing.accepted == 0 and standing.declined:
        _close(db, row.order_id, "declined", now)
        _say(db, row.order_id, "order.declined", now)
        return
    hub_news.review(db, row.order_id, min(now + _LOOK_AGAIN, row.answer_by))


def _expire(db: Connection, row: Row[Any], standing: _Standing, now: datetime) -> None:
    if standing.waiting:
        # Their own time is over in this moment too: the clock closes them first.
        hub_news.review(db, row.order_id, now + timedelta(seconds=1))
        return
    _close(db, row.order_id, "expired", now)
    _say(db, row.order_id, "order.expired", now)


def _close(db: Connection, order_id: int, state: str, now: datetime) -> None:
    db.execute(update(hub_orders).where(hub_orders.c.order_id == order_id).values(state=state))


def _say(db: Connection, order_id: int, kind: str, now: datetime) -> None:
    data = hub_news.about_order(db, order_id)
    hub_news.tell(db, kind, f"o{order_id}", str(order_id), data, now)
