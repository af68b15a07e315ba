"""Which operator a person's money goes through: the one place where that is decided."""

from __future__ import annotations

from bot.market.people import Contact
from bot.payments.provider import AIRTEL_MONEY, MTN_MOMO

# By the gateway's network code, which knows who serves a number today. 63513 was Tigo's, now
# Airtel's. Source: Africa's Talking's list of codes.
_BY_NETWORK = {"63510": MTN_MOMO, "63513": AIRTEL_MONEY, "63514": AIRTEL_MONEY}
# By the number's first digits, which say only who gave it out. Source: the numbering plan, as in
# phonenumbers' data.
_BY_PREFIX = {
    "+25072": AIRTEL_MONEY,
    "+25073": AIRTEL_MONEY,
    "+25078": MTN_MOMO,
    "+25079": MTN_MOMO,
}


def provider_on(network: str) -> str:
    """The payment provider of a network code ("63510"); "" for one that has none."""
    return _BY_NETWORK.get(network, "")


def provider_by_prefix(msisdn: str) -> str:
    """The payment provider that a number's first digits tell; "" for a number of none."""
    return _BY_PREFIX.get(msisdn[:6], "")


def provider_of(contact: Contact) -> str:
    """The payment provider for this person's wallet.

    The registered one, which a network code told at registration; else the number's prefix. A
    number of neither operator goes to MTN, which refuses what it does not know: staff then see it.
    """
    return contact.wallet_provider or provider_by_prefix(contact.wallet) or MTN_MOMO
