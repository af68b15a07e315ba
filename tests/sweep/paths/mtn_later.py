"""A payout to MTN that stays pending over two look-ups; then it is decided."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tests.sweep import cast
from tests.sweep.path import NOT_YET, Path
from tests.sweep.payout import all_succeeded, decide, looked_up
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.owed(db, cast.farmer(db, hashed, now), now)


async def drive(world: World) -> None:
    if not await world.until(lambda db: looked_up(db, 2)):
        world.wrong.append("I5 nobody asks what became of the payout")
    decide(world)
    await world.to_the_end()


path = Path("payout mtn later", begin, drive, all_succeeded, switches=NOT_YET)
