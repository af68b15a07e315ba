"""Orders become offers by a rule that everybody may read, and every round of it is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.market import Hub, hub_news
from bot.market.allocation_rule import Candidate, Part, cut
from bot.market.news import NEVER, QuietHours
from bot.market.orders import make_offer
from bot.market.supply import PAGE, able_to_supply
from bot.storage.prepared import Prepared
from bot.storage.schema import (
    allocations,
    hub_orders,
    offers,
    orders,
    reviews,
    supply_turns,
)

# Somebody may register meanwhile.
_LOOK_AGAIN = timedelta(minutes=10)
# Each page is a sort of all who grow the crop: an order that needs many has them in a few.
_PAGES = (PAGE, 4 * PAGE, 15 * PAGE)
# An order of thousands of packs is hundreds of offers: so many in one transaction, the rest after.
OFFERS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class AllocationRules:
    """How long a farmer has to answer, and how small a part may be, and how much it may bring."""

    offer_for: timedelta = timedelta(hours=12)
    smallest_packs: int = 20
    part_most_rwf: int = 5_000_000


# A flash sale makes thousands of offers in a minute: these are put together once.
_log = Prepared(
    insert(allocations),
    *("order_id", "round", "contact_id", "offer_id", "packs", "why", "at"),
)
_round = Prepared(
    update(hub_orders)
    .where(hub_orders.c.order_id == bindparam("the_order"))
    .values(round=bindparam("number", type_=hub_orders.c.round.type))
    .returning(hub_orders.c.id),
    *("the_order", "number"),
)


def _upsert(dialect: Any) -> Prepared:
    fresh = dialect.insert(supply_turns)
    newer, before = fresh.excluded.last_turn, supply_turns.c.last_turn
    # An offer that is made again has its old number: nobody's turn goes back.
    later = fresh.on_conflict_do_update(
        index_elements=[supply_turns.c.contact_id],
        set_={"last_turn": case((newer > before, newer), else_=before)},
    )
    return Prepared(later, "contact_id", "last_turn")


_turn = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}
_waiting = func.sum(case((offers.c.state == "offered", offers.c.packs), else_=0))
_figures = (
    select(
        orders.c.product, orders.c.packs, orders.c.pack_g, orders.c.price_rwf,
        orders.c.packs_accepted,
        func.coalesce(_waiting, 0), func.count(case((offers.c.state == "declined", 1))),
    )
    .outerjoin(offers, offers.c.order_id == orders.c.id)
    .where(orders.c.id == bindparam("order_id"))
    .group_by(orders.c.id)
)  # fmt: skip
_held = (
    select(hub_orders)
    .where(hub_orders.c.order_id == bindparam("order_id"))
    .with_for_update(skip_locked=True)
)
_seen = delete(reviews).where(
    reviews.c.order_id == bindparam("order_id"), reviews.c.due_at <= bindparam("now")
)


def look_at(
    db: Connection,
    order_id: int,
    hub: Hub,
    rules: AllocationRules,
    now: datetime,
    quiet: QuietHours = NEVER,
    most: int = OFFERS_AT_ONCE,
) -> int:
    """Offer what is left of an order, or close it; how many offers were made, `most` at most.

    What is more than that is looked at again at once. 0 too while another process looks at it. The
    row lock keeps two from offering the same packs.
    """
    row = db.execute(_held, {"order_id": order_id}).first()
    if row is None:
        return 0
    # What is asked for after this moment is another review.
    db.execute(_seen, {"order_id": order_id, "now": now})
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
    parts, seen_all = _cut(db, row, standing, rules)
    if parts:
        _offer(db, row, parts[:most], hub, rules, now, quiet)
        if len(parts) > most:
            hub_news.review(db, order_id, now)
    elif standing.waiting == 0:
        _nobody_left(db, row, standing, seen_all, now)
    return min(len(parts), most)


def _cut(
    db: Connection, row: Row[Any], standing: _Standing, rules: AllocationRules
) -> tuple[list[Part], bool]:
    """The parts to offer, and whether everybody was looked at who can be asked.

    Stocks that are offered elsewhere are known only of those who are looked at, so the line goes on
    until it has enough.
    """
    of = standing.product, standing.pack_g, row.grade, row.district
    largest_packs = rules.part_most_rwf // standing.price_rwf
    line: list[Candidate] = []
    parts: list[Part] = []
    known: set[int] = set()
    start = 0
    for many in _PAGES:
        more = able_to_supply(db, row.order_id, *of, start, many)
        # Turns change between two pages: who stands in the line already is not asked twice.
        line += [one for one in more if one.contact_id not in known]
        known.update(one.contact_id for one in more)
        parts = cut(standing.left, standing.pack_g, line, rules.smallest_packs, largest_packs)
        if len(more) < many:
            # Somebody may have moved from a page to come to one that was read.
            return parts, start == 0
        start += many
        whole = sum(part.packs for part in parts) == standing.left
        if whole and len(parts) >= max(1, standing.left // rules.smallest_packs):
            break
    return parts, False


@dataclass(frozen=True, slots=True)
class _Standing:
    """How much of an order is accepted, waits for an answer, was declined, and is left."""

    product: str
    packs: int
    pack_g: int
    price_rwf: int
    accepted: int
    waiting: int
    declined: int

    @property
    def left(self) -> int:
        return self.packs - self.accepted - self.waiting


def _standing(db: Connection, order_id: int) -> _Standing:
    """In one query: an answer that is given meanwhile is in all of its figures or in none."""
    return _Standing(*db.execute(_figures, {"order_id": order_id}).one())


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
        _log.run(db, log)
        # The offers' own numbers go up with time, so that they tell whose turn was when.
        _turn[db.dialect.name].run(db, {"contact_id": who.contact_id, "last_turn": offer_id})
    _round.one(db, row.order_id, number)

    def about() -> dict[str, Any]:
        made = {"round": number, "offers": len(parts), "offered": sum(p.packs for p in parts)}
        return hub_news.about_order(db, row.order_id) | made

    key = f"{row.order_id}:{number}"
    hub_news.tell(db, "order.allocated", f"o{row.order_id}", key, about, now)


def _nobody_left(
    db: Connection, row: Row[Any], standing: _Standing, seen_all: bool, now: datetime
) -> None:
    """Nobody who was looked at can be asked, and nobody is being asked."""
    if seen_all and standing.accepted == 0 and standing.declined:
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
    about = partial(hub_news.about_order, db, order_id)
    hub_news.tell(db, kind, f"o{order_id}", str(order_id), about, now)
