"""A seller asks a buyer to pay: MTN is asked for a prompt, and what came is paid out to the seller."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Connection, select

from bot.market import ledger
from bot.storage.schema import payments, sales
from tests.phone import PIN
from tests.sweep import cast
from tests.sweep.handset import Handset
from tests.sweep.path import Path
from tests.sweep.world import World

_BUYER, _RWF = "0788777001", 12_000
# Behind the three lines that are always there; then whom, how much, and what for.
_ASK = ("3", "4", "1", _BUYER, str(_RWF), "honey")


def begin(db: Connection, hashed: str, now: datetime) -> None:
    cast.farmer(db, hashed, now)


async def drive(world: World) -> None:
    phone = Handset(world, cast.FARMER)
    await phone.dials()
    said = await phone.types(*_ASK)
    if "PIN" not in said:
        world.wrong.append(f"I1 the seller was asked {said!r}")
    said = await phone.types(PIN)
    # Of a try that was cut off PostgreSQL takes no number back.
    if not re.match(r"CON S-\d+: MoMo asks the buyer for 12,000 Frw now", said):
        world.wrong.append(f"I1 the seller was told {said!r}")
    await world.to_the_end()
    await phone.repeats()


def rules(db: Connection) -> dict[str, bool]:
    query = select(payments.c.direction, payments.c.state, payments.c.sale_id)
    found = db.execute(query.order_by(payments.c.id)).all()
    asked = db.execute(select(sales.c.id, sales.c.amount_rwf)).all()
    number = asked[0].id if asked else 0
    return {
        "I4 the buyer was asked once": asked == [(number, _RWF)],
        "I4 one prompt that was paid, passed on once": found
        == [("collection", "succeeded", number), ("payout", "succeeded", number)],
        "I7 the hub keeps nothing of it": ledger.balance(db, ledger.HUB_FLOAT) == 0
        and ledger.balance(db, ledger.SALES) == 0,
        "I6 nothing is owed any more": ledger.balance(db, ledger.payable(1)) == 0,
    }


path = Path("sale", begin, drive, rules)
