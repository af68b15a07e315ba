"""Asks a WooCommerce shop for orders that changed: it sends a webhook once, and never again.

After five failures in a row WooCommerce switches a webhook off by itself, and says so to nobody.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import aiohttp
import msgspec

from bot.capped import read_capped
from bot.hub import woocommerce
from bot.hub.event_types import Unusable
from bot.hub.pull import Hint, PullFailed
from bot.hub.shop import ShopEvent

_PAGE = 100
# A hundred whole orders, with all that plugins add to them.
_BYTES_MAX = 32 * 1024 * 1024
_PATH = "/wp-json/wc/v3/orders"
_LIMITS = aiohttp.ClientTimeout(total=30, connect=5)
_KEY = (
    "check ISOKO_MARKETPLACE__WOOCOMMERCE_KEY and …WOOCOMMERCE_KEY_SECRET, which need read access"
)
_orders = msgspec.json.Decoder(tuple[msgspec.Raw, ...])


@dataclass(frozen=True, slots=True)
class WooCommerceAccount:
    """Where the shop is, and our key of its REST API."""

    url: str
    key: str
    secret: str


class WooCommercePull:
    """One shop's orders."""

    name = woocommerce.name
    window = timedelta(days=7)

    def __init__(self, account: WooCommerceAccount, http: aiohttp.ClientSession) -> None:
        self._url = account.url.rstrip("/") + _PATH
        self._auth = aiohttp.encode_basic_auth(account.key, account.secret)
        self._http = http

    async def changed(self, start: datetime, end: datetime) -> AsyncIterator[list[Hint]]:
        """The orders that changed, the last page first."""
        first, pages = await self._page(start, end, 1)
        for number in range(pages, 1, -1):
            yield (await self._page(start, end, number))[0]
        # By now others may have moved to the first page.
        yield (await self._page(start, end, 1))[0] if pages > 1 else first

    async def event(self, hint: Hint) -> ShopEvent:
        """What the list said of it: it is there in full."""
        return woocommerce.pulled(hint.what)

    async def _page(self, start: datetime, end: datetime, number: int) -> tuple[list[Hint], int]:
        asked = {
            "modified_after": _gmt(start),
            "modified_before": _gmt(end),
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "desc",
            "per_page": str(_PAGE),
            "page": str(number),
        }
        try:
            async with self._http.get(
                self._url,
                params=asked,
                headers={"Authorization": self._auth},
                timeout=_LIMITS,
                allow_redirects=False,
            ) as response:
                if response.status in (401, 403):
                    raise PullFailed(f"WooCommerce refuses ({response.status}): {_KEY}")
                if response.status != 200:
                    raise PullFailed(f"WooCommerce answered {response.status}")
                body = await read_capped(response, _BYTES_MAX)
                pages = response.headers.get("X-WP-TotalPages", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PullFailed(f"no answer from WooCommerce ({type(error).__name__})") from error
        try:
            return [_hint(bytes(one)) for one in _orders.decode(body)], int(pages)
        except ValueError as error:
            raise PullFailed(f"WooCommerce's list is none: {error}") from error


def _hint(body: bytes) -> Hint:
    try:
        mark, at = woocommerce.mark_of(body)
    except Unusable:
        # Its event says why, where that is told.
        return Hint(f"unread:{blake2b(body, digest_size=12).hexdigest()}", body)
    return Hint(mark, body, f"{mark}:{at}", mark.partition(":")[2])


def _gmt(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
