"""A person to pay, and payouts at every stage, for tests of money on both stores."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bot.i18n import load_catalogues
from bot.market import payments, people, settlement
from bot.market.limits import USUAL
from bot.market.payments import Payment
from bot.payments.provider import Answer, Outcome

PAYEE = "+250788000001"


def person(db: Connection, now: datetime, msisdn: str = PAYEE) -> int:
    """A registered farmer."""
    load_catalogues()
    return people.register(
        db, msisdn=msisdn, names="Farmer", district="Gakenke", language="en",
        role="farmer", crop="coffee", pin_hash="x", channel="test", now=now,
    ).id  # fmt: skip


def pay(
    db: Connection, contact_id: int, now: datetime, amount_rwf: int = 60_000, **more: object
) -> Payment:
    """A payout of an order to `PAYEE`, as the hub makes it."""
    values = {"offer_id": None, "order_code": "KW-77", "provider": "mtn-momo",
              "payee_msisdn": PAYEE, "currency": "RWF", **more}  # fmt: skip
    return payments.pay_out(db, contact_id=contact_id, amount_rwf=amount_rwf, now=now, **values)


def answer(payment: Payment, outcome: Outcome = Outcome.SUCCEEDED, **other: object) -> Answer:
    """What the operator answers about this payment, unless told otherwise."""
    said = {"amount_rwf": payment.amount_rwf, "currency": "RWF", "payee_msisdn": PAYEE,
            "provider_txn_id": f"7{payment.id:09}", **other}  # fmt: skip
    return Answer(outcome, **said)


def settle(
    db: Connection, payment: Payment, now: datetime, outcome: Outcome = Outcome.SUCCEEDED,
    **other: object,
) -> Payment:  # fmt: skip
    """Asked, taken, and answered."""
    settlement.record_asked(db, payment.reference, Answer(Outcome.ACCEPTED), now)
    return settlement.record_answer(
        db, payment.reference, answer(payment, outcome, **other), now, rules=USUAL
    )
