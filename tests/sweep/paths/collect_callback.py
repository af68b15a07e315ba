"""MTN calls back about a prompt, and again until it is heard; then we ask, and the bill is paid."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, select

from bot.storage.schema import payments
from tests.sweep import cast
from tests.sweep.collection import paid_once, says_yes
from tests.sweep.operator_call import call_back
from tests.sweep.path import NOT_YET, Path
from tests.sweep.paths import collect_mtn
from tests.sweep.payout import decide, looked_up
from tests.sweep.world import World


def begin(db: Connection, hashed: str, now: datetime) -> None:
    collect_mtn.begin(db, hashed, now)


async def drive(world: World) -> None:
    phone = await says_yes(world, cast.FARMER, "MoMo")
    if not await world.until(lambda db: looked_up(db, 1)):
        world.wrong.append("I5 nobody asks what became of the prompt")
    decide(world)
    token = await world.records.read(
        lambda db: db.execute(select(payments.c.callback_token)).scalar_one()
    )
    body = json.dumps({"externalId": cast.CODE, "status": "SUCCESSFUL"}).encode()
    await call_back(world, f"/payments/mtn-momo/callback/{token}", body)
    await world.to_the_end()
    await phone.repeats()


path = Path("collect callback mtn", begin, drive, paid_once, switches=NOT_YET)
