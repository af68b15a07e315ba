"""What must come of a storm by its seed: who is served, locked out and paid; nobody is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from bot.storage.schema import payments
from tests.storm import world
from tests.storm.farmers import Farmer


def not_as_expected(db: Connection, people: list[Farmer], rows: int) -> Iterator[str]:
    """What differs from what the seed and the world say, in words; `rows` payouts had no order."""
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
    made = db.execute(select(func.count()).select_from(payments)).scalar()
    if made != rows + len(told):
        yield f"{made} payouts instead of {rows + len(told)}"
    lockers = {one.number for one in people if world.is_locker(one.number)}
    if lockers != {one.number for one in people if one.locked}:
        yield "not everybody who guessed was locked out"
