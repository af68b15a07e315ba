"""A payout that MTN takes and then fails: the debt is booked back, staff and the person are told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from bot.sandbox.momo_numbers import OUTCOMES
from bot.storage.schema import payments
from tests.sweep import cast
from tests.sweep.path import Path
from tests.sweep.world import World

_NOBODY = next(n for n, end in OUTCOMES["disbursement"].items() if end == "PAYEE_NOT_FOUND")


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.owed(db, cast.farmer(db, hashed, now), now, payee=f"+{_NOBODY}")


async def drive(world: World) -> None:
    await world.to_the_end()


def rules(db: Connection) -> dict[str, bool]:
    ends = db.execute(select(payments.c.state, payments.c.reason)).all()
    return {"the payout failed for MTN's reason": ends == [("failed", "PAYEE_NOT_FOUND")]}


path = Path("payout mtn refused", begin, drive, rules)
