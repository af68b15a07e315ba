"""Who lives in a world before its server starts, and what they have done so far."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.i18n import load_catalogues
from bot.market import Actor, offers, payments, people, settlement
from bot.market.limits import USUAL, PayoutRules
from bot.market.orders import NewOrder, create_order, make_offer
from bot.market.payments import Payment
from bot.market.pin_hashing import PinHashing
from bot.market.share import Line
from bot.payments.provider import Answer, Outcome

FARMER, CODE, PACKS, PRICE_RWF = "+250788000001", "KW-7", 20, 12_000
AMOUNT_RWF = PACKS * PRICE_RWF
ZONE = "Africa/Kigali"
_LINES = (Line("transport", "RwandAir", 2_000),)
_STEPS = ("hand_over", "ship", "deliver")


async def pin_hash(pin: str) -> str:
    """The hash of a PIN with the demo's pepper, made cheaply; the server reads its cost from it."""
    hashing = PinHashing("demo-pepper", 64, 1, 1, 1, 1)
    made = await hashing.hash(pin)
    hashing.close()
    return made


def farmer(
    db: Connection,
    hashed: str,
    now: datetime,
    provider: str = "mtn-momo",
    msisdn: str = FARMER,
) -> int:
    """The farmer, with a PIN, in English."""
    load_catalogues()
    return people.register(
        db, msisdn=msisdn, names="Farmer", district="Gakenke", language="en", role="farmer",
        crop="coffee", pin_hash=hashed, channel="test", wallet_provider=provider, now=now,
    ).id  # fmt: skip


def offered(
    db: Connection, contact_id: int, now: datetime, price_rwf: int = PRICE_RWF, code: str = CODE
) -> int:
    """An offer that waits for an answer; its number."""
    soon = now + timedelta(days=3)
    order = NewOrder(
        code, "COF-ROAST", PACKS, 500, price_rwf, price_rwf + 2_000, _LINES, "Ruli", soon
    )
    order_id = create_order(db, order, now)
    return make_offer(db, order_id, contact_id, PACKS, soon, "*384*801#", now, ZONE)


def accepted(
    db: Connection, contact_id: int, now: datetime, price_rwf: int = PRICE_RWF, code: str = CODE
) -> int:
    """An offer that was accepted; its number."""
    offer_id = offered(db, contact_id, now, price_rwf, code)
    actor = Actor(f"contact:{contact_id}", "test", "accept", contact_id)
    offers.accept(db, actor, offer_id, 1, PACKS, now, ZONE)
    return offer_id


def delivered(
    db: Connection, contact_id: int, now: datetime, price_rwf: int = PRICE_RWF, code: str = CODE
) -> int:
    """An offer whose goods have arrived; its number."""
    offer_id = accepted(db, contact_id, now, price_rwf, code)
    for step in _STEPS:
        offers.move(db, Actor("hub", "test", step), offer_id, step, now)
    return offer_id


def owed(
    db: Connection,
    contact_id: int,
    now: datetime,
    provider: str = "mtn-momo",
    payee: str = FARMER,
    price_rwf: int = PRICE_RWF,
    code: str = CODE,
) -> Payment:
    """A payout for delivered goods, in the outbox."""
    offer_id = delivered(db, contact_id, now, price_rwf, code)
    return payments.pay_out(
        db, contact_id=contact_id, offer_id=offer_id, order_code=code,
        amount_rwf=PACKS * price_rwf, provider=provider, payee_msisdn=payee, currency="RWF",
        now=now, rules=PayoutRules(),
    )  # fmt: skip


def arrived(db: Connection, payment: Payment, now: datetime) -> Payment:
    """The payout, paid by the operator."""
    said = Answer(
        Outcome.SUCCEEDED, amount_rwf=payment.amount_rwf, currency="RWF",
        payee_msisdn=payment.payee_msisdn, provider_txn_id="7321448443", fee_rwf=0,
    )  # fmt: skip
    return settlement.record_answer(db, payment.reference, said, now, rules=USUAL)
