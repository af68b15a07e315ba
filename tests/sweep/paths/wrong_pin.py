"""A farmer mistypes the PIN: it is counted once, whatever happens, and outlives every crash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.storage.schema import pin_failures, pins
from tests.sweep import cast
from tests.sweep.handset import Handset
from tests.sweep.path import Path
from tests.sweep.paths import confirm
from tests.sweep.world import World

_WRONG = "48261"


def begin(db: Connection, hashed: str, now: datetime) -> None:
    confirm.begin(db, hashed, now)


async def drive(world: World) -> None:
    phone = Handset(world, cast.FARMER)
    await phone.dials()
    await phone.types("3", "1", _WRONG)
    await phone.repeats()
    await world.to_the_end()


def rules(db: Connection) -> dict[str, bool]:
    mistakes = db.execute(select(func.count()).select_from(pin_failures)).scalar()
    in_a_row = db.execute(select(pins.c.wrong_in_a_row)).scalar()
    return {"I18 one mistake is counted once": (mistakes, in_a_row) == (1, 1)}


path = Path("wrong pin", begin, drive, rules, paid_before=True)
