"""The doors of the marketplace's hub, and the demo's own hub beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import web

from bot.demo import CAST
from bot.hub.door import HubDoor
from bot.hub.event_types import SOURCE
from bot.hub.keeping import Keeping
from bot.hub.shops import ShopDoors
from bot.market import subscriptions
from bot.market.asked import asked
from bot.parts import Parts
from bot.simulator.buyer import Buyer
from bot.wiring import hub_secrets_of, shops_of


def mount_hub(parts: Parts, app: web.Application) -> None:
    """Add what orders come in by, where there is a marketplace."""
    if parts.hub is None:
        return
    settings, records = parts.settings, parts.market.records
    secrets, refused = hub_secrets_of(settings), parts.watching.door_refused
    keeping, wake = Keeping(records), parts.hub.wake
    most = settings.marketplace.asks_per_minute
    HubDoor(records, keeping, secrets, wake, refused, settings.url, most).mount(app)
    ShopDoors(keeping, shops_of(settings), wake, refused).mount(app)


def buyer_of(parts: Parts) -> Buyer:
    """The demo's own hub; it subscribes when somebody first opens its page."""
    records, secret = parts.market.records, hub_secrets_of(parts.settings)[0]

    async def subscribe(url: str) -> str:
        now = datetime.now(UTC)
        return await records.write(lambda db: subscriptions.once(db, url, now))

    cast = {member.msisdn for member in CAST}

    async def who(order_ids: Sequence[str]) -> dict[str, list[str]]:
        said: dict[str, list[str]] = {}
        for one in await records.read(lambda db: asked(db, SOURCE, order_ids)):
            # Somebody who tries the demo with a number of their own does not find it there.
            number = one.msisdn if one.msisdn in cast else "another"
            said.setdefault(one.hub_order_id, []).append(f"{number} {one.state}")
        return said

    return Buyer(parts.http, secret, subscribe, who)
