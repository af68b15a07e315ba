"""Airtel calls back about a payout, once and signed, whether it is heard or not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bot.sandbox.switches import Switches
from tests.sweep.path import NOT_YET, Path
from tests.sweep.paths import airtel
from tests.sweep.payout import all_succeeded, decide, looked_up
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    airtel.begin(db, hashed, now)


async def drive(world: World) -> None:
    operator = world.operators.airtel
    operator.callback_url = f"{world.url}/payments/airtel-money/callback/portal"
    await world.until(lambda db: looked_up(db, 1))
    decide(world)
    world.turn(Switches())
    await world.up()
    for transfer in operator.transfers():
        await operator._callbacks.call_back(transfer)
    await world.to_the_end()


path = Path("callback airtel", begin, drive, all_succeeded, switches=NOT_YET)
