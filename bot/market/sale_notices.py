"""What a seller and a buyer are told of a payment that the buyer was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from bot.i18n import _, language_spoken, speaking
from bot.i18n.formats import amount
from bot.market import news, people
from bot.market.notices import wallet_name
from bot.market.payment_words import as_far_as_known
from bot.market.reasons import why_failed
from bot.storage import outbox
from bot.storage.schema import sales

if TYPE_CHECKING:
    from bot.market.payments import Payment
    from bot.market.people import Contact


def tell_asked(
    db: Connection, asked: Payment, seller: Contact, what_for: str, now: datetime
) -> None:
    """The buyer reads who asks, for what; as a rule before the prompt, which names only us."""

    def words() -> str:
        return _(
            "Isoko: {name} asks you to pay {amount} for: {what}. Enter your PIN in the {wallet} "
            "request only. If you do not know them, refuse it."
        ).format(**_of(asked), name=seller.names, what=what_for)

    _tell_buyer(db, asked, "asked", words, now)


def tell_paid(db: Connection, paid: Payment, now: datetime) -> None:
    """The buyer has paid: both have something to show."""
    news.tell(db, paid.contact_id, f"money:{paid.reference}", lambda: _buyer_paid(paid), now)
    seller, what_for = people.by_id(db, paid.contact_id), _what_for(db, paid)

    def words() -> str:
        said = _(
            "Isoko: you paid {amount} to {name} for: {what}. Transaction: {ref}. Proof: {proof}."
        )
        name = "Isoko" if seller is None else seller.names
        known = as_far_as_known(said, paid.provider_txn_id)
        return known.format(**_of(paid), name=name, what=what_for)

    _tell_buyer(db, paid, "paid", words, now)


def tell_failed(db: Connection, failed: Payment, now: datetime) -> None:
    """No money moved, as the operator says; what is wrong with a wallet is its owner's affair."""
    news.tell(
        db, failed.contact_id, f"failed:{failed.reference}", lambda: _buyer_did_not(failed), now
    )

    def words() -> str:
        said = _("Isoko: the payment of {amount} that a seller asked you for did not go through.")
        return said.format(**_of(failed)) + why_failed(failed)

    # Who was never asked, since it could not leave, has nothing to hear of.
    if failed.asks:
        _tell_buyer(db, failed, "failed", words, now)


def tell_unknown(db: Connection, payment: Payment, now: datetime) -> None:
    """Nobody knows yet whether the buyer has paid, and people look at it."""

    def words() -> str:
        return _(
            "Isoko: we do not know yet whether your buyer has paid {amount} ({code}). We ask the "
            "operator and tell you. Do not ask the buyer again."
        ).format(**_of(payment))

    news.tell(db, payment.contact_id, f"unknown:{payment.reference}", words, now)


def _buyer_paid(paid: Payment) -> str:
    said = _(
        "Isoko: your buyer (...{end}) paid {amount} ({code}). It goes on to your number for money. "
        "Transaction: {ref}. Proof: {proof}."
    )
    return as_far_as_known(said, paid.provider_txn_id).format(**_of(paid))


def _buyer_did_not(failed: Payment) -> str:
    said = _("Isoko: your buyer (...{end}) did not pay {amount} ({code}). You may ask again.")
    return said.format(**_of(failed)) + why_failed(failed, to_seller=True)


def _tell_buyer(
    db: Connection, payment: Payment, what: str, words: Callable[[], str], now: datetime
) -> None:
    number, key = payment.payee_msisdn, f"buyer-{what}:{payment.reference}"
    if not number:
        return
    known = people.by_msisdn(db, number)
    if known is not None:
        news.tell(db, known.id, key, words, now, by_phone=True)
        return
    # Of who is not registered nobody knows the language: most buyers here speak this one.
    with speaking("rw"):
        text = words()
    payload = {"msisdn": number, "about_contact": payment.contact_id, "text": text}
    outbox.put(db, "sms", key, payload, now)


def _what_for(db: Connection, payment: Payment) -> str:
    query = select(sales.c.what_for).where(sales.c.id == payment.sale_id)
    return str(db.execute(query).scalar() or payment.order_code)


def _of(payment: Payment) -> dict[str, str]:
    return {
        "amount": amount(payment.really_rwf, language_spoken()),
        "code": payment.order_code,
        "end": payment.payee_msisdn[-3:],
        "wallet": wallet_name(payment.provider),
        "ref": payment.provider_txn_id,
        "proof": payment.proof_code,
    }
