"""A person pays a bill by phone: Airtel is asked for a prompt, and the poller learns of its end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tests.sweep import cast
from tests.sweep.collection import owes, paid_once, says_yes
from tests.sweep.path import Path
from tests.sweep.world import World

_PAYER = "+250738000004"


def begin(db: Connection, hashed: str, now: datetime) -> None:
    owes(db, cast.farmer(db, hashed, now, "airtel-money", _PAYER), now)


async def drive(world: World) -> None:
    phone = await says_yes(world, _PAYER, "Airtel Money")
    await world.to_the_end()
    await phone.repeats()


path = Path("collect airtel", begin, drive, paid_once)
