"""A farmer accepts an order with the PIN."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tests import invariants
from tests.phone import PIN
from tests.sweep import cast
from tests.sweep.handset import Handset
from tests.sweep.path import Path
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.offered(db, cast.farmer(db, hashed, now), now)


async def drive(world: World) -> None:
    phone = Handset(world, cast.FARMER)
    await phone.dials()
    said = await phone.types("2", "1", "1", PIN)
    if not said.startswith(f"END You accepted order {cast.CODE}"):
        world.wrong.append(f"I1 the farmer was told {said!r}")
    await world.to_the_end()
    await phone.repeats()


def rules(db: Connection) -> dict[str, bool]:
    return invariants.of_offers(db, told={1})


path = Path("accept", begin, drive, rules)
