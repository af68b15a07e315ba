"""MTN is out of order when payouts are due: they wait, their people are told, and then all leave."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.market import outages
from bot.sandbox.switches import Switches
from bot.storage.schema import offers, operators, outbox, payments
from tests.sweep import cast
from tests.sweep.path import AT_ONCE, Path
from tests.sweep.world import World

_SECOND, _SECOND_CODE = "+250788000002", "KW-8"
_THIRD, _THIRD_CODE = "+250788000003", "KW-9"


def begin(db: Connection, hashed: str, now: datetime) -> None:
    # One payment that is never answered is no outage yet.
    cast.owed(db, cast.farmer(db, hashed, now), now)
    second = cast.farmer(db, hashed, now, msisdn=_SECOND)
    cast.owed(db, second, now, payee=_SECOND, code=_SECOND_CODE)
    cast.farmer(db, hashed, now, msisdn=_THIRD)


async def drive(world: World) -> None:
    if not await world.until(_is_down):
        world.wrong.append("nobody notices that the operator is out of order")
    # Of this one the operator is not even asked while it is down.
    await world.records.write(
        lambda db: cast.owed(db, 3, world.now(), payee=_THIRD, code=_THIRD_CODE)
    )
    if not await world.until(lambda db: _told(db, "down") == 3, time_passes=False):
        world.wrong.append("who waits for the operator was not told")
    world.turn(AT_ONCE)
    world.calm_since = world.now()
    await world.to_the_end()


def rules(db: Connection) -> dict[str, bool]:
    states = db.execute(select(payments.c.state)).scalars().all()
    orders = db.execute(select(offers.c.state)).scalars().all()
    how_often = db.execute(select(operators.c.outage)).scalars().all()
    return {
        "all payouts arrived": states == ["succeeded"] * 3,
        "all orders are paid": orders == ["paid"] * 3,
        "it was one outage, and is over": how_often == [1] and not outages.shut(db),
        "each was told once that they wait": _told(db, "down") == 3,
        "each was told once that it goes on": _told(db, "back") == 3,
    }


def _is_down(db: Connection) -> bool:
    return outages.is_down(db, "mtn-momo")


def _told(db: Connection, what: str) -> int:
    query = select(func.count()).where(outbox.c.dedupe_key.like(f"{what}:mtn-momo:%"))
    return int(db.execute(query).scalar() or 0)


_DOWN = Switches(settle_after_s=0.0, lost_callback=True, outage=True)
path = Path("outage", begin, drive, rules, switches=_DOWN)
