"""Why a payment failed, in words for the person; a code that is not here is for staff alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.i18n import N_, _

if TYPE_CHECKING:
    from bot.market.payments import Payment

_EMPTY = N_("There was not enough money in the wallet.")
_LATE = N_("The request was not answered in time.")
_REFUSED = N_("The request was refused on the phone.")
_LIMIT = N_("The wallet has reached its limit.")
_NO_WALLET = N_("This number has no wallet that works.")
_PIN = N_("The PIN of the wallet was wrong.")

# What a payer can do something about. MTN's codes first, then Airtel's.
_OF_A_PAYER = {
    "NOT_ENOUGH_FUNDS": _EMPTY,
    "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED": _EMPTY,
    "EXPIRED": _LATE,
    "APPROVAL_REJECTED": _REFUSED,
    "PAYMENT_NOT_APPROVED": _REFUSED,
    "TRANSACTION_CANCELED": _REFUSED,
    "PAYER_LIMIT_REACHED": _LIMIT,
    "PAYER_NOT_FOUND": _NO_WALLET,
    "SENDER_ACCOUNT_NOT_ACTIVE": _NO_WALLET,
    "DP00800001002": _PIN,
    "DP00800001003": _LIMIT,
    "DP00800001007": _EMPTY,
    "DP00800001008": _REFUSED,
    "DP00800001029": _LATE,
}
# Of a payout: the hub's own troubles, such as its balance, are not the farmer's.
_OF_A_PAYEE = {
    "PAYEE_LIMIT_REACHED": _LIMIT,
    "PAYEE_NOT_FOUND": _NO_WALLET,
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": _NO_WALLET,
    "DP00900001012": _NO_WALLET,
}


# What a seller may hear of a buyer, whose money and PIN are the buyer's own matter.
_FOR_A_SELLER = (_LATE, _REFUSED, _NO_WALLET)


def why_failed(payment: Payment, *, to_seller: bool = False) -> str:
    """A sentence in the language that is spoken, with a blank before it; "" for other codes."""
    known = _OF_A_PAYER if payment.kind == "collection" else _OF_A_PAYEE
    words = known.get(payment.reason)
    if to_seller and words not in _FOR_A_SELLER:
        return ""
    return "" if words is None else " " + _(words)
