"""A farmer confirms with the PIN that the money arrived, and asks for a receipt."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.storage.schema import offer_events, outbox, payments
from tests.phone import PIN
from tests.sweep import cast
from tests.sweep.handset import Handset
from tests.sweep.path import Path
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.arrived(db, cast.owed(db, cast.farmer(db, hashed, now), now), now)


async def drive(world: World) -> None:
    phone = Handset(world, cast.FARMER)
    await phone.dials()
    said = await phone.types("3", "1", PIN)
    if "Confirmed." not in said or "240,000" not in said:
        world.wrong.append(f"I1 the farmer was told {said!r}")
    await phone.types("1")
    await world.to_the_end()
    await phone.repeats()


def rules(db: Connection) -> dict[str, bool]:
    ends = select(func.count()).where(offer_events.c.to_state == "confirmed")
    receipts = select(func.count()).where(outbox.c.dedupe_key.like("receipt:%"))
    told = select(func.count()).where(outbox.c.dedupe_key.like("confirmed:%"))
    unconfirmed = select(func.count()).where(payments.c.confirmed_at.is_(None))
    return {
        "the money is confirmed": db.execute(unconfirmed).scalar() == 0,
        "the order was confirmed once": db.execute(ends).scalar() == 1,
        "the receipt left once by itself": db.execute(told).scalar() == 1,
        "one receipt was written": db.execute(receipts).scalar() == 1,
    }


path = Path("confirm", begin, drive, rules, paid_before=True)
