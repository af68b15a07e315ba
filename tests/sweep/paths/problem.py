"""A farmer reports a problem with money that arrived: one ticket."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from bot.storage.schema import tickets
from tests.sweep import cast
from tests.sweep.handset import Handset
from tests.sweep.path import Path
from tests.sweep.paths import confirm
from tests.sweep.world import World

_ASKS = "5 Yes, call me"


def begin(db: Connection, hashed: str, now: datetime) -> None:
    confirm.begin(db, hashed, now)


async def drive(world: World) -> None:
    phone = Handset(world, cast.FARMER)
    await phone.dials()
    said = await phone.types("3", "3", "5")
    if _ASKS in said:
        # A session that is lost before the deed comes back to its question, and is answered again.
        said = await phone.types("5")
    code = await world.records.read(lambda db: db.execute(select(tickets.c.code)).scalars().all())
    if len(code) != 1 or code[0] not in said:
        world.wrong.append(f"I1 the farmer was told {said!r}; tickets: {code}")
    await world.to_the_end()
    await phone.repeats()


def rules(db: Connection) -> dict[str, bool]:
    found = db.execute(select(tickets.c.category, tickets.c.about)).all()
    return {"there is one ticket": found == [("payment_missing", cast.CODE)]}


path = Path("problem", begin, drive, rules, paid_before=True)
