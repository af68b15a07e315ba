"""The operators every payout case runs against: a client and the pretended operator behind it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from bot.payments.mtn_momo import MomoConfig, MtnMomo
from bot.payments.provider import PaymentProvider, PayoutOrder
from bot.sandbox.momo_access import API_KEY, API_USER, KEYS
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches

FARMER = "+250788123456"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: how to make its client, and how its pretended self is set."""

    name: str
    client: Callable[[str, aiohttp.ClientSession], PaymentProvider]
    switch: Callable[[Sandbox, Switches], None]


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
        timeout_s=0.5,
    )


def momo(base_url: str, http: aiohttp.ClientSession, **changes: object) -> MtnMomo:
    """MTN's client, with some settings changed."""
    return MtnMomo(replace(momo_config(base_url), **changes), http)


def _switch_momo(sandbox: Sandbox, switches: Switches) -> None:
    sandbox.momo.switches = switches


OPERATORS = [Operator("mtn-momo", momo, _switch_momo)]


def payout(payee_msisdn: str = FARMER, amount_rwf: int = 42_000) -> PayoutOrder:
    """A payout under a new reference."""
    return PayoutOrder(str(uuid.uuid4()), "token", amount_rwf, "RWF", payee_msisdn, "KW-1042")


def fixture(name: str) -> dict:
    """A body as the operator documents it."""
    return json.loads((Path(__file__).parent / "fixtures" / f"{name}.json").read_text())
