"""A payout to MTN, decided at once; the poller learns of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tests.sweep import cast
from tests.sweep.path import Path
from tests.sweep.payout import all_succeeded
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.owed(db, cast.farmer(db, hashed, now), now)


async def drive(world: World) -> None:
    await world.to_the_end()


path = Path("payout mtn", begin, drive, all_succeeded)
