"""A payout to Airtel, decided at once; the poller learns of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tests.sweep import cast
from tests.sweep.path import Path
from tests.sweep.payout import all_succeeded
from tests.sweep.world import World

_WALLET = "+250738000004"


def begin(db: Connection, hashed: str, now: datetime) -> None:
    contact_id = cast.farmer(db, hashed, now, "airtel-money")
    cast.owed(db, contact_id, now, "airtel-money", _WALLET)


async def drive(world: World) -> None:
    await world.to_the_end()


path = Path("payout airtel", begin, drive, all_succeeded)
