"""Somebody who owes the hub, and collections at every stage, for tests on both stores."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.market import bills, collecting, settlement
from bot.market.collecting import CollectionRules
from bot.market.limits import USUAL
from bot.market.orders import NewOrder, create_order
from bot.market.payments import Payment
from bot.payments.provider import Answer, Outcome
from tests.market.money import PAYEE, person

RULES = CollectionRules(frozenset({"mtn-momo", "airtel-money"}))


def bill(db: Connection, now: datetime, amount_rwf: int = 25_000) -> bills.Bill:
    """A bill of the farmer for an order that sells for 1,200,000 francs."""
    order = NewOrder("KW-77", "COF-ROAST", 100, 500, 12_000, 12_000, (), "Ruli", now + timedelta(9))
    create_order(db, order, now)
    return bills.ask(
        db, contact_id=person(db, now), order_code="KW-77", amount_rwf=amount_rwf,
        why="packaging", by="amina", now=now,
    )  # fmt: skip


def collect(db: Connection, now: datetime, amount_rwf: int = 25_000) -> Payment:
    """A collection that the person said yes to."""
    made = bill(db, now, amount_rwf)
    asked = collecting.collect(db, made.id, made.contact_id, RULES, now)
    assert asked is not None
    return asked


def told(payment: Payment, outcome: Outcome = Outcome.SUCCEEDED, **other: object) -> Answer:
    """What the operator answers about this collection, unless told otherwise."""
    said = {"amount_rwf": payment.amount_rwf, "currency": "RWF", "payer_msisdn": PAYEE,
            "provider_txn_id": f"7{payment.id:09}", **other}  # fmt: skip
    return Answer(outcome, **said)


def collected(db: Connection, now: datetime, outcome: Outcome = Outcome.SUCCEEDED,
              **other: object) -> Payment:  # fmt: skip
    """Asked, taken, and answered."""
    asked = collect(db, now)
    settlement.record_asked(db, asked.reference, Answer(Outcome.ACCEPTED), now)
    return settlement.record_answer(
        db, asked.reference, told(asked, outcome, **other), now, rules=USUAL
    )
