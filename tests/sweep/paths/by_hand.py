"""The operator says another amount, the payout is flagged, and two people end it by the command."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.market import ledger
from bot.sandbox.switches import Switches
from bot.storage.schema import audit, payments, tickets
from tests.sweep import cast
from tests.sweep.path import Path
from tests.sweep.payout import all_succeeded
from tests.sweep.world import World

_NAMES = ("--by", "amina", "--second", "bosco")


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.owed(db, cast.farmer(db, hashed, now), now)


async def drive(world: World) -> None:
    if not await world.until(_is_flagged):
        world.wrong.append("M04 another amount was not flagged")
    reference = await world.records.read(
        lambda db: db.execute(select(payments.c.reference)).scalar_one()
    )
    await world.command(
        "settle", "payments", "settle", reference, "--as", "succeeded", "--reason", "MTN's letter",
        *_NAMES,
    )  # fmt: skip
    await world.to_the_end()


def rules(db: Connection) -> dict[str, bool]:
    lines = select(func.count()).where(audit.c.action == "payment settled as succeeded")
    ends = db.execute(select(tickets.c.category, tickets.c.state)).all()
    return {
        "it is in the audit once": db.execute(lines).scalar() == 1,
        "its ticket is closed": ends == [("payment_flagged", "closed")],
        "I6 nothing is in suspense": ledger.balance(db, ledger.SUSPENSE) == 0,
        **all_succeeded(db),
    }


def _is_flagged(db: Connection) -> bool:
    return db.execute(select(payments.c.state)).scalar() == "flagged"


_OTHER_AMOUNT = Switches(settle_after_s=0.0, lost_callback=True, amount_altered=True)
path = Path("settled by hand", begin, drive, rules, switches=_OTHER_AMOUNT)
