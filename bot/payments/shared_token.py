"""An access token that many calls share: fetched once for all who wait, renewed before it ends."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

import aiohttp

from bot.payments.out_of_order import NothingSent
from bot.payments.single_flight import SingleFlight

_EARLY_S = 60.0
# RFC 6750; anything else would break the header it is put into.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class TokenRefused(NothingSent):
    """The operator gave no token: wrong keys, or its token service is down."""


class SharedToken:
    """One token, kept by `fetch`, which asks the operator for a new one and how long it lasts (s).

    `fetch` raises TokenRefused, and aiohttp's errors.
    """

    def __init__(self, fetch: Callable[[], Awaitable[tuple[str, float]]]) -> None:
        self._fetch = fetch
        self._renewal = SingleFlight(self._renew)
        self._token, self._good_until = "", 0.0

    async def get(self, refused: str = "") -> str:
        """A token other than `refused`. Raises what `fetch` raises."""
        # Many calls are refused with one old token: only the first of them fetches.
        good = self._token and time.monotonic() < self._good_until
        if good and self._token != refused:
            return self._token
        return await self._renewal.get()

    async def _renew(self) -> str:
        self._token, lasts_s = await self._fetch()
        self._good_until = time.monotonic() + max(lasts_s - _EARLY_S, lasts_s / 2)
        return self._token


async def read_token(response: aiohttp.ClientResponse) -> tuple[str, float]:
    """The token of an OAuth answer, and how long it lasts in seconds; a number or text alike.

    Raises TokenRefused for any other answer.
    """
    if response.status != 200:
        raise TokenRefused(f"HTTP {response.status}")
    try:
        data = await response.json(content_type=None)
        token, lasts_s = str(data["access_token"]), float(data.get("expires_in", 3600))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise TokenRefused("the answer holds no token") from None
    if not _TOKEN.fullmatch(token):
        raise TokenRefused("the token is no bearer token")
    return token, lasts_s
