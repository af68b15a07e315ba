"""Collecting what a bill says, and giving it back: each under its own reference, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, select

from bot.market import bills, people, wallet_changes, wallets
from bot.market.payments import (
    ANOTHERS,
    UNVERIFIED,
    Payment,
    as_payment,
    by_reference,
    locked,
    make,
)
from bot.market.people import Contact
from bot.market.sale_rules import USUAL_SALE, SaleRules
from bot.payments.provider import MTN_MOMO
from bot.storage.schema import bills as bill_rows
from bot.storage.schema import payments

Refunding = Literal["refunding", "gone", "not_collected", "passed_on", "before", "left"]


@dataclass(frozen=True, slots=True)
class CollectionRules:
    """Through which operators the hub collects, and when the prompt follows the person's yes.

    `prompt_after_s` leaves the person's own session time to end: it would hide the prompt. For
    `cooling_off_hours` after a change of the number for money, people pay from their own number.
    `sale` is for buyers, whom a seller asks; `paying_out` are the operators through which what came
    can go on to the seller.
    """

    providers: frozenset[str] = frozenset()
    prompt_after_s: float = 3.0
    currency: str = "RWF"
    cooling_off_hours: int = 72
    sale: SaleRules = USUAL_SALE
    paying_out: frozenset[str] = frozenset()


class NotCollected(Exception):
    """Nothing was asked: "verify", whose number it is must be known first; "provider", not here."""

    def __init__(self, why: Literal["verify", "provider"]) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose phone the prompt goes to, and through which operator."""

    msisdn: str
    provider: str


def payer_of(db: Connection, contact: Contact, rules: CollectionRules, now: datetime) -> Payer:
    """Who is asked to pay for this person: their wallet, or their own number after a change of it.

    Raises `NotCollected`.
    """
    if contact.verifying:
        raise NotCollected("verify")
    payer = Payer(contact.wallet, wallets.provider_of(contact))
    if wallet_changes.before_since(db, contact.id, now, rules.cooling_off_hours):
        # The new number may be anybody's: no prompt of ours goes to a stranger's phone.
        own = contact.msisdn
        payer = Payer(own, wallets.provider_by_prefix(own) or MTN_MOMO)
    if payer.provider not in rules.providers:
        raise NotCollected("provider")
    return payer


def collect(
    db: Connection, bill_id: int, contact_id: int, rules: CollectionRules, now: datetime
) -> Payment | None:
    """Ask a person's wallet for what a bill says; None when there is no such bill.

    One that is being paid, or was paid, is given as it stands: nothing is asked twice. Raises
    `NotCollected`; then nothing was written.
    """
    mine = (bill_rows.c.id == bill_id) & (bill_rows.c.contact_id == contact_id)
    # Two calls at once: the second finds what the first has made.
    db.execute(select(bill_rows.c.id).where(mine).with_for_update()).first()
    bill, contact = bills.by_id(db, bill_id, contact_id), people.by_id(db, contact_id)
    if bill is None or contact is None:
        return None
    under_way = paying(db, bill_id)
    if under_way is not None:
        return under_way
    payer = payer_of(db, contact, rules, now)
    return make(
        db,
        direction="collection",
        contact_id=contact_id,
        bill_id=bill_id,
        order_code=bill.order_code,
        amount_rwf=bill.amount_rwf,
        provider=payer.provider,
        payee_msisdn=payer.msisdn,
        currency=rules.currency,
        created_at=now,
        leaves_at=now + timedelta(seconds=rules.prompt_after_s),
    )


def paying(db: Connection, bill_id: int) -> Payment | None:
    """The collection that pays this bill, or has paid it."""
    alive = (payments.c.bill_id == bill_id) & (payments.c.state != "failed")
    row = db.execute(select(payments).where(alive)).mappings().first()
    return None if row is None else as_payment(row)


def refund(db: Connection, reference: str, now: datetime) -> tuple[Refunding, Payment | None]:
    """Give the whole of a collection back; what came of it, and the refund or what stands.

    Operators give back the whole or nothing: what really came, also where a bill asked for another
    amount. For somebody whose number may be another's by now the refund waits for two people. The
    collection is held meanwhile, and the database itself takes no second refund of it and no other
    amount.
    """
    if by_reference(db, reference) is None:
        return "gone", None
    paid = locked(db, reference)
    if paid.kind != "collection" or paid.state != "succeeded":
        return "not_collected", paid
    if paid.of_buyer:
        # The money is the seller's, and on its way to them.
        return "passed_on", paid
    alive = (payments.c.refunds_id == paid.id) & (payments.c.state != "failed")
    before = db.execute(select(payments).where(alive)).mappings().first()
    if before is not None:
        return "before", as_payment(before)
    if not paid.payee_msisdn:
        return "left", paid
    return "refunding", make(
        db,
        direction="payout",
        held=_why_held(db, paid),
        contact_id=paid.contact_id,
        refunds_id=paid.id,
        order_code=paid.order_code,
        amount_rwf=paid.really_rwf,
        provider=paid.provider,
        payee_msisdn=paid.payee_msisdn,
        currency=paid.currency,
        created_at=now,
    )


def _why_held(db: Connection, paid: Payment) -> str:
    if paid.held == ANOTHERS:
        return ANOTHERS
    contact = people.by_id(db, paid.contact_id)
    return UNVERIFIED if contact is not None and contact.verifying else ""
