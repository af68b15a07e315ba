"""The operators every collection case runs against."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import aiohttp

from bot.payments.airtel_collection import AirtelCollection
from bot.payments.collecting import CollectionOrder, CollectionProvider, RefundOrder
from bot.payments.momo_collection import MomoCollection
from bot.payments.momo_line import MomoLine
from bot.payments.provider import Answer
from bot.sandbox.airtel_money import PretendedAirtel
from bot.sandbox.momo_access import KEYS
from bot.sandbox.mtn_momo import PretendedMomo
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches
from tests.payments.operators import FARMER, airtel_config, momo_config

BUYER = FARMER


@dataclass(frozen=True, slots=True)
class Collector:
    """One operator: its client, its pretended self, and where its words differ from others'."""

    name: str
    client: Callable[[str, aiohttp.ClientSession], CollectionProvider]
    pretended: Callable[[Sandbox], PretendedMomo | PretendedAirtel]
    expired: tuple[str, str]
    tells_payer: bool
    accepts_with_a_body: bool

    def switch(self, sandbox: Sandbox, switches: Switches) -> None:
        """Set the pretended operator's nuisances."""
        self.pretended(sandbox).switches = switches

    def held_rwf(self, sandbox: Sandbox) -> int:
        """All the hub's money with the pretended operator."""
        pretended = self.pretended(sandbox)
        apart = pretended.collected_rwf() if isinstance(pretended, PretendedMomo) else 0
        return pretended.float_rwf() + apart


def momo_collection(
    base_url: str, http: aiohttp.ClientSession, **changes: object
) -> MomoCollection:
    """MTN's collection client, with some settings changed in both products."""
    payouts = replace(momo_config(base_url), **changes)
    config = replace(payouts, **({"subscription_key": KEYS["collection"]} | changes))
    return MomoCollection(
        MomoLine("collection", config, http), MomoLine("disbursement", payouts, http)
    )


def airtel_collection(base_url: str, http: aiohttp.ClientSession) -> AirtelCollection:
    """Airtel's collection client."""
    return AirtelCollection(airtel_config(base_url), http)


def airtel_signed(base_url: str, http: aiohttp.ClientSession) -> AirtelCollection:
    """Airtel's collection client on version 2 of the API."""
    return AirtelCollection(replace(airtel_config(base_url), sign_messages=True), http)


_EXPIRED_MOMO = ("+46733123452", "EXPIRED")
_EXPIRED_AIRTEL = ("+250730001029", "DP00800001029")
COLLECTORS = [
    Collector("mtn-momo", momo_collection, lambda s: s.momo, _EXPIRED_MOMO, True, False),
    Collector("airtel-money", airtel_collection, lambda s: s.airtel, _EXPIRED_AIRTEL, False, True),
    Collector("airtel-signed", airtel_signed, lambda s: s.airtel, _EXPIRED_AIRTEL, False, True),
]


def collection(payer_msisdn: str = BUYER, amount_rwf: int = 9_000) -> CollectionOrder:
    """A collection under a new reference."""
    return CollectionOrder(str(uuid.uuid4()), amount_rwf, payer_msisdn, "KW-1")


def given_back(order: CollectionOrder, paid: Answer) -> RefundOrder:
    """The refund of a collection, under a new reference."""
    reference = str(uuid.uuid4())
    return RefundOrder(
        reference, order.reference, paid.provider_txn_id, order.amount_rwf, order.order_code
    )
