"""A farmer brings the goods; the hub ships them, and pays when they have arrived."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.storage.schema import offer_events, payments
from tests.sweep import cast
from tests.sweep.handset import Handset
from tests.sweep.path import Path
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.accepted(db, cast.farmer(db, hashed, now), now)


async def drive(world: World) -> None:
    phone = Handset(world, cast.FARMER)
    await phone.dials()
    # The order, "I delivered it", and once more with another key.
    said = await phone.types("2", "1", "1", "1", "2")
    if "we know that you delivered it" not in said:
        world.wrong.append(f"I1 the farmer was told {said!r}")
    if not await world.until(_is_owed):
        world.wrong.append("I5 the goods arrived, and no payout was made")
    await world.to_the_end()
    await phone.repeats()


def rules(db: Connection) -> dict[str, bool]:
    events = select(offer_events.c.to_state).order_by(offer_events.c.id)
    life = ["accepted", "handed_over", "shipped", "delivered", "paid"]
    return {
        "each step of the order was taken once": db.execute(events).scalars().all() == life,
        "I4 one payout for the order": _payouts(db) == 1,
    }


def _is_owed(db: Connection) -> bool:
    return _payouts(db) > 0


def _payouts(db: Connection) -> int:
    return db.execute(select(func.count()).select_from(payments)).scalar()


path = Path("hand over", begin, drive, rules)
