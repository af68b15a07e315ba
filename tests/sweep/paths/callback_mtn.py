"""MTN calls back about a payout, and again until it is heard; then we ask, and it is settled."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, select

from bot.storage.schema import payments
from tests.sweep import cast
from tests.sweep.operator_call import call_back
from tests.sweep.path import NOT_YET, Path
from tests.sweep.payout import all_succeeded, decide, looked_up
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.owed(db, cast.farmer(db, hashed, now), now)


async def drive(world: World) -> None:
    await world.until(lambda db: looked_up(db, 1))
    decide(world)
    token = await world.records.read(
        lambda db: db.execute(select(payments.c.callback_token)).scalar_one()
    )
    body = json.dumps({"externalId": cast.CODE, "status": "SUCCESSFUL"}).encode()
    await call_back(world, f"/payments/mtn-momo/callback/{token}", body)
    await world.to_the_end()


path = Path("callback mtn", begin, drive, all_succeeded, switches=NOT_YET)
