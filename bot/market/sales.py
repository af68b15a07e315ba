"""Asking a local buyer to pay by phone: who may ask whom, for how much, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, insert, select

from bot.market import Actor, outages, people, sale_notices, wallets
from bot.market.collecting import CollectionRules
from bot.market.lines import collecting_line
from bot.market.payments import OPEN, Payment, as_payment, make
from bot.market.people import Contact
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import contacts, payments, sales

# What a buyer reads of it: a few words, without anything that could be a link or a number to call.
WHAT_FOR_MAX = 24
_DAY = timedelta(hours=24)
# How many requests a seller sees, the newest first.
_LISTED = 6
_UNKNOWN_YET = (*OPEN, "flagged")

Outcome = Literal[
    "asked",
    "gone",
    "verify",
    "own",
    "provider",
    "wallet",
    "down",
    "large",
    "day",
    "open",
    "again",
    "buyer",
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking; `payment` is the collection that was made, or was made before."""

    outcome: Outcome
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom to ask, for how many francs, and what the buyer gets for them."""

    buyer_msisdn: str
    amount_rwf: int
    what_for: str


def ask(
    db: Connection, actor: Actor, asking: Asking, rules: CollectionRules, now: datetime
) -> Asked:
    """Ask a buyer to pay this seller: the buyer's phone gets the operator's prompt, and an SMS.

    Once for each `actor.key`. Anything but "asked" says which rule forbids it; then nothing was
    written.
    """
    # Two at once, of this seller or to this buyer, are counted one after the other.
    one_at_a_time(db, f"sale to {asking.buyer_msisdn}")
    own = select(contacts.c.id).where(contacts.c.id == actor.contact_id)
    db.execute(own.with_for_update(key_share=True))
    before = _made_with(db, actor.key)
    if before is not None:
        return Asked("asked", before)
    seller = people.by_id(db, actor.contact_id)
    if seller is None or not seller.msisdn:
        return Asked("gone")
    wrong = why_not(db, seller, asking, rules, now)
    if wrong is not None:
        return Asked(wrong)
    payment = _make(db, actor, asking, rules, now)
    sale_notices.tell_asked(db, payment, seller, asking.what_for, now)
    return Asked("asked", payment)


def why_not(
    db: Connection, seller: Contact, asking: Asking, rules: CollectionRules, now: datetime
) -> Outcome | None:
    """Which rule forbids this, None where none does."""
    buyer, amount_rwf, limits = asking.buyer_msisdn, asking.amount_rwf, rules.sale
    if seller.verifying:
        return "verify"
    why = whom_not(seller, buyer, rules)
    if why is not None:
        return why
    known = people.by_msisdn(db, buyer)
    if known is not None and known.verifying:
        # Somebody new may have this number, and staff are to call first.
        return "buyer"
    if outages.is_down(db, collecting_line(wallets.provider_by_prefix(buyer))):
        return "down"
    if amount_rwf > limits.largest_rwf:
        return "large"
    return _over_the_day(db, seller.id, asking, rules, now)


def whom_not(
    seller: Contact, buyer_msisdn: str, rules: CollectionRules
) -> Literal["own", "provider", "wallet"] | None:
    """Whether this number is never asked: the seller's own, or of no operator that collects.

    "wallet": nobody is asked, for what came could not be paid out to the seller.
    """
    if wallets.provider_of(seller) not in rules.paying_out:
        return "wallet"
    if buyer_msisdn in (seller.msisdn, seller.wallet):
        return "own"
    served = wallets.provider_by_prefix(buyer_msisdn) in rules.providers
    return None if served else "provider"


def mine(db: Connection, contact_id: int) -> list[Payment]:
    """What this seller asked buyers for, the newest first, behind what is not known yet."""
    asked = (payments.c.contact_id == contact_id) & _COLLECTED
    known = payments.c.state.not_in(_UNKNOWN_YET)
    query = select(payments).where(asked).order_by(known, payments.c.id.desc()).limit(_LISTED)
    return [as_payment(row) for row in db.execute(query).mappings()]


def passed_on(db: Connection, sale_id: int) -> Payment | None:
    """The newest payout that passes on what the buyer of this sale has paid."""
    query = select(payments).where(payments.c.sale_id == sale_id, payments.c.direction == "payout")
    row = db.execute(query.order_by(payments.c.id.desc()).limit(1)).mappings().first()
    return None if row is None else as_payment(row)


_COLLECTED = payments.c.sale_id.is_not(None) & (payments.c.direction == "collection")


def _make(
    db: Connection, actor: Actor, asking: Asking, rules: CollectionRules, now: datetime
) -> Payment:
    terms = {"buyer_msisdn": asking.buyer_msisdn, "amount_rwf": asking.amount_rwf}
    row = {**terms, "what_for": asking.what_for, "key": actor.key[:64], "asked_at": now}
    made = db.execute(insert(sales).values(contact_id=actor.contact_id, **row))
    sale_id = int(made.inserted_primary_key[0]) if made.inserted_primary_key else 0
    return make(
        db,
        direction="collection",
        contact_id=actor.contact_id,
        sale_id=sale_id,
        order_code=f"S-{sale_id}",
        amount_rwf=asking.amount_rwf,
        provider=wallets.provider_by_prefix(asking.buyer_msisdn),
        payee_msisdn=asking.buyer_msisdn,
        currency=rules.currency,
        created_at=now,
        # So that the SMS that says who asks is there before the prompt, as a rule.
        leaves_at=now + timedelta(seconds=rules.prompt_after_s),
    )


def _over_the_day(
    db: Connection, seller_id: int, asking: Asking, rules: CollectionRules, now: datetime
) -> Literal["again", "open", "day", "buyer"] | None:
    limits, own = rules.sale, _COLLECTED & (payments.c.contact_id == seller_id)
    waiting = own & payments.c.state.in_(_UNKNOWN_YET)
    if _count(db, waiting & (payments.c.payee_msisdn == asking.buyer_msisdn)):
        return "again"
    if _count(db, waiting) >= limits.open_max:
        return "open"
    today = own & (payments.c.created_at > now - _DAY)
    alive = select(func.sum(payments.c.amount_rwf)).where(today, payments.c.state != "failed")
    if int(db.execute(alive).scalar() or 0) + asking.amount_rwf > limits.day_rwf:
        return "day"
    if _count(db, today) >= limits.day_max:
        return "day"
    rung = (sales.c.buyer_msisdn == asking.buyer_msisdn) & (sales.c.asked_at > now - _DAY)
    return "buyer" if _count(db, rung) >= limits.buyer_day_max else None


def _count(db: Connection, which: ColumnElement[bool]) -> int:
    return int(db.execute(select(func.count()).where(which)).scalar() or 0)


def _made_with(db: Connection, key: str) -> Payment | None:
    query = (
        select(payments)
        .join(sales, sales.c.id == payments.c.sale_id)
        .where(sales.c.key == key[:64], payments.c.direction == "collection")
    )
    row = db.execute(query).mappings().first()
    return None if row is None else as_payment(row)
