"""What was collected is given back whole by a command, through MTN."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.market import collecting, ledger, settlement
from bot.market.collecting import CollectionRules
from bot.market.limits import USUAL
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import audit, payments
from tests.sweep import cast
from tests.sweep.collection import OWED_RWF, owes
from tests.sweep.path import Path
from tests.sweep.world import World

_RULES = CollectionRules(frozenset({"mtn-momo"}))


def begin(db: Connection, hashed: str, now: datetime) -> None:
    contact_id = cast.farmer(db, hashed, now)
    asked = collecting.collect(db, owes(db, contact_id, now).id, contact_id, _RULES, now)
    said = Answer(
        Outcome.SUCCEEDED, amount_rwf=OWED_RWF, currency="RWF", payer_msisdn=cast.FARMER,
        provider_txn_id="7321448443", fee_rwf=0,
    )  # fmt: skip
    settlement.record_answer(db, asked.reference, said, now, rules=USUAL)


async def drive(world: World) -> None:
    reference = await world.records.read(
        lambda db: db.execute(select(payments.c.reference)).scalar_one()
    )
    # The operator has in its own book what the person paid before.
    party = {"partyIdType": "MSISDN", "partyId": cast.FARMER.lstrip("+")}
    paid = {"amount": str(OWED_RWF), "currency": "RWF", "externalId": cast.CODE, "payer": party}
    world.operators.momo._transfers.take("collection", reference, "", paid)
    await world.command("refund", "collections", "refund", reference, "--by", "amina")
    await world.to_the_end()


def rules(db: Connection) -> dict[str, bool]:
    query = select(payments.c.direction, payments.c.state, payments.c.refunds_id)
    found = db.execute(query.order_by(payments.c.id)).all()
    given_back = select(func.count()).where(audit.c.action == "collection refunded")
    return {
        "I4 one refund, which arrived": found
        == [("collection", "succeeded", None), ("payout", "succeeded", 1)],
        "it is in the audit once": db.execute(given_back).scalar() == 1,
        "I7 the hub holds nothing of it": ledger.balance(db, ledger.HUB_FLOAT) == 0,
    }


path = Path("refund", begin, drive, rules)
