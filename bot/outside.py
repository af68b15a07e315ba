"""The outside that this server speaks to: operators and shops, or the sandbox in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from bot.hub.pull import Pull
from bot.hub.taobao_pull import TaobaoAccount, TaobaoPull
from bot.hub.woocommerce_pull import WooCommerceAccount, WooCommercePull
from bot.payments.airtel_collection import AirtelCollection
from bot.payments.airtel_money import AirtelMoney
from bot.payments.collecting import CollectionProvider
from bot.payments.momo_collection import MomoCollection
from bot.payments.momo_line import MomoLine
from bot.payments.mtn_momo import MtnMomo
from bot.payments.provider import PaymentProvider
from bot.sandbox.server import Sandbox, start_sandbox
from bot.settings import Settings, SettingsError
from bot.wiring import (
    airtel_of,
    momo_collection_of,
    momo_of,
)

if TYPE_CHECKING:
    pass


async def sandbox_of(settings: Settings) -> Sandbox:
    """The pretended operators and SMS gateway, started where the settings say."""
    state = settings.data_dir / "sandbox.jsonl"
    state.parent.mkdir(parents=True, exist_ok=True)
    host, port = settings.sandbox.host, settings.sandbox.port
    try:
        sandbox = await start_sandbox(host, port, state)
    except OSError as error:
        raise SettingsError(
            f"the sandbox cannot listen on {host}:{port}: {error.strerror}. Stop the other "
            "program, or set ISOKO_SANDBOX__PORT"
        ) from error
    # What a merchant sets once in Airtel's portal.
    sandbox.airtel.callback_url = f"{settings.url}/payments/{AirtelMoney.name}/callback/demo"
    return sandbox


def url_beside(settings: Settings) -> str:
    """Where a sandbox of its own process answers (`isoko sandbox serve`), "" without one."""
    sandbox = settings.sandbox
    return f"http://{sandbox.host}:{sandbox.port}" if sandbox.enabled else ""


def operators_of(
    settings: Settings, http: aiohttp.ClientSession, url: str
) -> tuple[dict[str, PaymentProvider], dict[str, CollectionProvider]]:
    """Who pays out, and who collects; `url` is the sandbox's where one runs."""
    # One provider a file; a new one is a file and a line here.
    momo = MtnMomo(momo_of(settings, url), http)
    pays: dict[str, PaymentProvider] = {MtnMomo.name: momo}
    collects: dict[str, CollectionProvider] = {}
    if settings.collections.enabled:
        line = MomoLine("collection", momo_collection_of(settings, url), http)
        collects[MomoCollection.name] = MomoCollection(line, momo.line)
    if settings.airtel.client_id:
        config = airtel_of(settings, url)
        pays[AirtelMoney.name] = AirtelMoney(config, http)
        if settings.collections.enabled:
            collects[AirtelCollection.name] = AirtelCollection(config, http)
    return pays, collects


def pulls_of(settings: Settings, http: aiohttp.ClientSession) -> list[Pull]:
    """The shops that we ask for their orders ourselves; none unless their keys are set."""
    market, found = settings.marketplace, list[Pull]()
    if session := market.taobao_session.get_secret_value():
        secret = market.taobao_secret.get_secret_value()
        taobao = TaobaoAccount(market.taobao_url, market.taobao_app_key, secret, session)
        found.append(TaobaoPull(taobao, http))
    if market.woocommerce_url:
        shop = WooCommerceAccount(
            market.woocommerce_url,
            market.woocommerce_key.get_secret_value(),
            market.woocommerce_key_secret.get_secret_value(),
        )
        found.append(WooCommercePull(shop, http))
    return found
