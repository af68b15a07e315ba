"""What the paths of collections share: a person who owes, a yes by phone, and what must come of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.market import bills, ledger
from bot.market.bills import Bill
from bot.market.orders import NewOrder, create_order
from bot.storage.schema import ledger_entries, outbox, payments
from tests.sweep import cast
from tests.sweep.handset import Handset
from tests.sweep.world import World

OWED_RWF = 25_000
# Behind the three lines that are always there.
_ASKS, _PAY = "Pay 25,000 Frw for order", ("3", "4", "1")


def owes(db: Connection, contact_id: int, now: datetime) -> Bill:
    """A bill for an order that sells for more."""
    order = NewOrder(cast.CODE, "COF-ROAST", 20, 500, 12_000, 12_000, (), "Ruli", now)
    create_order(db, order, now)
    return bills.ask(
        db, contact_id=contact_id, order_code=cast.CODE, amount_rwf=OWED_RWF, why="packaging",
        by="amina", now=now,
    )  # fmt: skip


async def says_yes(world: World, msisdn: str, wallet: str) -> Handset:
    """The person pays the bill by phone; the phone, whose call has ended."""
    phone = Handset(world, msisdn)
    await phone.dials()
    said = await phone.types(*_PAY)
    if _ASKS in said:
        # A session that is lost before the deed comes back to its question, and is answered again.
        said = await phone.types("1")
    if not said.startswith(f"END {wallet} asks you to pay 25,000 Frw now"):
        world.wrong.append(f"I1 who pays was told {said!r}")
    return phone


def paid_once(db: Connection) -> dict[str, bool]:
    """The bill was asked for once and paid once, and the books say so."""
    found = db.execute(select(payments.c.direction, payments.c.state)).all()
    asked = select(func.count()).where(outbox.c.dedupe_key.like("collection:%"))
    booked = select(func.count()).where(ledger_entries.c.cause.like("payment:%:succeeded"))
    return {
        "I4 one collection for the bill": found == [("collection", "succeeded")],
        "I4 it left once": db.execute(asked).scalar() == 1,
        "I6 it was booked once": db.execute(booked).scalar() == 1,
        "I6 nothing is owed any more": ledger.balance(db, ledger.receivable(1)) == 0,
        "I7 the hub holds what was paid": ledger.balance(db, ledger.HUB_FLOAT) == OWED_RWF,
    }
