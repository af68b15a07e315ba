"""The operators every payout case runs against: a client and the pretended operator behind it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from bot.payments.airtel_line import AirtelConfig
from bot.payments.airtel_money import AirtelMoney
from bot.payments.momo_line import MomoConfig
from bot.payments.mtn_momo import MtnMomo
from bot.payments.provider import PaymentProvider, PayoutOrder
from bot.sandbox.airtel_access import CALLBACK_SECRET, CLIENT_ID, CLIENT_SECRET, PIN
from bot.sandbox.airtel_money import PretendedAirtel
from bot.sandbox.momo_access import API_KEY, API_USER, KEYS
from bot.sandbox.mtn_momo import PretendedMomo
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches

FARMER = "+250788123456"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: its client, its pretended self, and where its words differ from others'."""

    name: str
    client: Callable[[str, aiohttp.ClientSession], PaymentProvider]
    pretended: Callable[[Sandbox], PretendedMomo | PretendedAirtel]
    no_funds: str
    tells_payee: bool
    accepts_with_a_body: bool

    def switch(self, sandbox: Sandbox, switches: Switches) -> None:
        """Set the pretended operator's nuisances."""
        self.pretended(sandbox).switches = switches


def momo_config(base_url: str) -> MomoConfig:
    """The client's settings for the pretended MoMo."""
    return MomoConfig(
        base_url=base_url,
        subscription_key=KEYS["disbursement"],
        api_user=API_USER,
        api_key=API_KEY,
        target_environment="mtnrwanda",
        currency="RWF",
        callback_url="",
        timeout_s=1.5,
    )


def momo(base_url: str, http: aiohttp.ClientSession, **changes: object) -> MtnMomo:
    """MTN's client, with some settings changed."""
    return MtnMomo(replace(momo_config(base_url), **changes), http)


def airtel_config(base_url: str) -> AirtelConfig:
    """The client's settings for the pretended Airtel Money."""
    return AirtelConfig(
        base_url=base_url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        pin=PIN,
        callback_secret=CALLBACK_SECRET,
        country="RW",
        currency="RWF",
        sign_messages=False,
        timeout_s=1.5,
    )


def airtel(base_url: str, http: aiohttp.ClientSession, **changes: object) -> AirtelMoney:
    """Airtel's client, with some settings changed."""
    return AirtelMoney(replace(airtel_config(base_url), **changes), http)


def airtel_signed(base_url: str, http: aiohttp.ClientSession) -> AirtelMoney:
    """Airtel's client on version 2 of the API."""
    return airtel(base_url, http, sign_messages=True)


OPERATORS = [
    Operator("mtn-momo", momo, lambda sandbox: sandbox.momo, "NOT_ENOUGH_FUNDS", True, False),
    Operator("airtel-money", airtel, lambda s: s.airtel, "DP00900001007", False, True),
    Operator("airtel-signed", airtel_signed, lambda s: s.airtel, "DP00900001007", False, True),
]


def payout(payee_msisdn: str = FARMER, amount_rwf: int = 42_000) -> PayoutOrder:
    """A payout under a new reference."""
    return PayoutOrder(str(uuid.uuid4()), "token", amount_rwf, "RWF", payee_msisdn, "KW-1042")


def fixture(name: str) -> dict:
    """A body as the operator documents it."""
    return json.loads((Path(__file__).parent / "fixtures" / f"{name}.json").read_text())
