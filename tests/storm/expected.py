"""What must come of a storm by its seed: who is served, locked out and paid; nobody is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from bot.storage.schema import payments
from tests.storm import world
from tests.storm.farmers import Farmer
from tests.storm.payers import Payer


def not_as_expected(
    db: Connection, people: list[Farmer], payers: list[Payer], rows: int
) -> Iterator[str]:
    """What differs from what the seed and the world say, in words; `rows` payouts had no order."""
    yield from _of_offers(db, people, rows)
    yield from _of_bills(db, payers)


def _of_offers(db: Connection, people: list[Farmer], rows: int) -> Iterator[str]:
    alone, contested = world.expected(len(people))
    told = {world.farmer(one.number) for one in people if one.accepted}
    yield from (f"{one} could be served and was not" for one in alone - told)
    of_contests = Counter(
        world.order_code(one.number)
        for one in people
        if one.accepted and world.is_contested(one.number)
    )
    if dict(of_contests) != contested:
        yield f"contested orders: {dict(of_contests)} instead of {contested}"
    payouts = (payments.c.direction == "payout") & payments.c.refunds_id.is_(None)
    made = db.execute(select(func.count()).where(payouts)).scalar()
    if made != rows + len(told):
        yield f"{made} payouts instead of {rows + len(told)}"
    lockers = {one.number for one in people if world.is_locker(one.number)}
    if lockers != {one.number for one in people if one.locked}:
        yield "not everybody who guessed was locked out"


def _of_bills(db: Connection, payers: list[Payer]) -> Iterator[str]:
    yield from (f"{world.bill_code(p.number)} could not be paid" for p in payers if not p.told)
    query = select(payments.c.order_code, payments.c.state, payments.c.id)
    asked = db.execute(query.where(payments.c.bill_id.is_not(None))).all()
    times = Counter(row.order_code for row in asked)
    if times != Counter(world.bill_code(one.number) for one in payers):
        yield f"{len(asked)} collections instead of {len(payers)}"
    back = set(db.execute(select(payments.c.refunds_id)).scalars())
    for row in asked:
        number = int(row.order_code.removeprefix("KB-"))
        if (row.state == "failed") == world.has_wallet(number):
            yield f"{row.order_code} is {row.state}"
        is_due = world.is_given_back(number) and row.state == "succeeded"
        if (row.id in back) != is_due:
            yield f"{row.order_code} is {'not ' * is_due}given back"
