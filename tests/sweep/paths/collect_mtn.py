"""A person pays a bill by phone: MTN is asked for a prompt, and the poller learns of its end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tests.sweep import cast
from tests.sweep.collection import owes, paid_once, says_yes
from tests.sweep.path import Path
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    owes(db, cast.farmer(db, hashed, now), now)


async def drive(world: World) -> None:
    phone = await says_yes(world, cast.FARMER, "MoMo")
    await world.to_the_end()
    await phone.repeats()


path = Path("collect mtn", begin, drive, paid_once)
