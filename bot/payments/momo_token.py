"""MTN's access token: fetched once for all who wait, renewed a minute before it ends."""

from __future__ import annotations

import asyncio
import time

import aiohttp

_EARLY_S = 60.0


class TokenRefused(Exception):
    """MTN gave no token: wrong keys, or its token service is down."""


class MomoToken:
    """One product's token."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        authorization: str,
        subscription_key: str,
        timeout: aiohttp.ClientTimeout,
    ) -> None:
        self._http, self._url = http, url
        self._headers = {
            "Authorization": authorization,
            "Ocp-Apim-Subscription-Key": subscription_key,
        }
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._token, self._good_until, self._fetched_at = "", 0.0, 0.0

    async def get(self, fresh: bool = False) -> str:
        """The token. `fresh` asks for a newer one than the caller was just refused with."""
        asked_at = time.monotonic()
        async with self._lock:
            # Whoever waited for the lock takes the token fetched meanwhile.
            renewed = self._fetched_at > asked_at
            good = self._token and time.monotonic() < self._good_until
            if renewed or (good and not fresh):
                return self._token
            await self._fetch()
            return self._token

    async def _fetch(self) -> None:
        async with self._http.post(
            self._url, headers=self._headers, timeout=self._timeout
        ) as response:
            if response.status != 200:
                raise TokenRefused(f"HTTP {response.status}")
            try:
                data = await response.json(content_type=None)
                token, lasts_s = str(data["access_token"]), float(data.get("expires_in", 3600))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise TokenRefused("the answer holds no token") from None
        self._token, self._fetched_at = token, time.monotonic()
        self._good_until = self._fetched_at + max(lasts_s - _EARLY_S, lasts_s / 2)
