"""A large payout waits; two members of staff release it by the command, and it leaves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from bot.market.approvals import HUB
from bot.storage.schema import outbox, payment_approvals, payments
from tests.sweep import cast
from tests.sweep.path import Path
from tests.sweep.payout import all_succeeded
from tests.sweep.world import World

_PRICE_RWF = 200_000


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.owed(db, cast.farmer(db, hashed, now), now, price_rwf=_PRICE_RWF)


async def drive(world: World) -> None:
    if not await world.until(_is_held_back):
        world.wrong.append("a large payout was not held back")
    reference = await world.records.read(
        lambda db: db.execute(select(payments.c.reference)).scalar_one()
    )
    for name in ("amina", "bosco"):
        await world.command(f"release by {name}", "payouts", "release", reference, "--by", name)
    await world.to_the_end()


def rules(db: Connection) -> dict[str, bool]:
    names = db.execute(select(payment_approvals.c.by)).scalars().all()
    return {
        "each release is kept once": sorted(names) == sorted([HUB, "amina", "bosco"]),
        **all_succeeded(db),
    }


def _is_held_back(db: Connection) -> bool:
    waiting = select(outbox.c.id).where(outbox.c.state == "waiting")
    return db.execute(waiting).first() is None


path = Path("release", begin, drive, rules)
