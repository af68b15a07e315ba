"""The doors of shops that sign in their own way: `POST /hub/<shop>`, a file and a line each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import structlog
from aiohttp import web
from multidict import CIMultiDictProxy

from bot.hub import shopify, taobao, woocommerce
from bot.hub.answers import problem
from bot.hub.door import answer, read_body
from bot.hub.event_types import Unusable, lane_of
from bot.hub.keeping import Keeping
from bot.hub.shop import ShopEvent, UnusableOrder, read_shop_event, unread
from bot.hub.signing import Forged
from bot.storage.hub_inbox import Arrived
from bot.storage.records import RecordsDown

log = structlog.get_logger(__name__)

# A shop sends the whole order, with all that its plugins add.
_BODY_MAX = 512 * 1024


class Shop(Protocol):
    """A module satisfies it: bot/hub/shopify.py."""

    @property
    def name(self) -> str:
        """The last part of its route, and what its orders are said to come from."""
        ...

    def read(
        self, body: bytes, headers: CIMultiDictProxy[str], key: str, secret: str, /
    ) -> ShopEvent:
        """What a request says, once its signature was found right. Raises `Forged`, `Unusable`."""
        ...


# A new shop is a file in bot/hub, a line here, and its secret in the settings.
SHOPS: tuple[Shop, ...] = (shopify, woocommerce, taobao)


@dataclass(frozen=True, slots=True)
class Account:
    """Our account at a shop: what it signs with, and the app's number where it has one."""

    secret: str
    key: str = ""


class ShopDoors:
    """The routes of every shop that we have an account at."""

    def __init__(
        self,
        keeping: Keeping,
        accounts: Mapping[str, Account],
        wake: Callable[[], None],
        refused: Callable[[str, int], None],
    ) -> None:
        self._keeping, self._accounts = keeping, accounts
        self._wake, self._refused = wake, refused

    def mount(self, app: web.Application) -> None:
        """Add the routes to `app`."""
        for shop in SHOPS:
            if shop.name in self._accounts:
                app.router.add_post(f"/hub/{shop.name}", self._receiver(shop))

    def _receiver(self, shop: Shop) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        account = self._accounts[shop.name]

        async def receive(request: web.Request) -> web.StreamResponse:
            """200 or 202 once it is kept; 401 to strangers; 422 for what is no order."""
            body = await read_body(request, _BODY_MAX)
            if isinstance(body, web.Response):
                return body
            try:
                event = shop.read(body, request.headers, account.key, account.secret)
                if not event.kind:
                    return web.json_response({"kept": False, "ignored": True})
                said = read_shop_event(event)
            except Forged as why:
                self._refused(shop.name, 401)
                log.warning("request refused", gateway=shop.name, status=401, why=str(why))
                return problem(401, str(why))
            except UnusableOrder as why:
                return await self._park(shop.name, body, why)
            except Unusable as why:
                return problem(422, str(why))
            lane = lane_of(said, shop.name)
            arrived = Arrived(shop.name, event.event_id[:160], event.kind, lane, event.body)
            # A relay sends a trade again with what changed of it: it is known by its id.
            return await answer(self._keeping, arrived, self._wake, id_is_all=True)

        return receive

    async def _park(self, shop: str, body: bytes, why: UnusableOrder) -> web.Response:
        """It is genuine and cannot be taken: sent again it would be the same, so it is kept."""
        log.warning("order of a shop parked", shop=shop, order=why.order_id, why=str(why))
        mark = f"unread:{blake2b(body, digest_size=12).hexdigest()}"
        try:
            await self._keeping.park(unread(shop, mark, why.order_id), str(why))
        except RecordsDown:
            return problem(503, "the records are out of reach: send it again")
        return web.json_response({"kept": True, "parked": True, "why": str(why)}, status=202)
