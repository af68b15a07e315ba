"""MTN's access token: fetched once for all who wait, renewed a minute before it ends."""

from __future__ import annotations

import asyncio
import re
import time

import aiohttp

_EARLY_S = 60.0
# RFC 6750; anything else would break the header it is put into.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


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
        self._token, self._good_until = "", 0.0

    async def get(self, refused: str = "") -> str:
        """A token other than `refused`. Raises TokenRefused, and aiohttp's errors."""
        async with self._lock:
            # Many calls are refused with one old token: only the first of them fetches.
            good = self._token and time.monotonic() < self._good_until
            if good and self._token != refused:
                return self._token
            await self._fetch()
            return self._token

    async def _fetch(self) -> None:
        async with self._http.post(
            self._url, headers=self._headers, timeout=self._timeout, allow_redirects=False
        ) as response:
            if response.status != 200:
                raise TokenRefused(f"HTTP {response.status}")
            try:
                data = await response.json(content_type=None)
                token, lasts_s = str(data["access_token"]), float(data.get("expires_in", 3600))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise TokenRefused("the answer holds no token") from None
        if not _TOKEN.fullmatch(token):
            raise TokenRefused("the token is no bearer token")
        self._token = token
        self._good_until = time.monotonic() + max(lasts_s - _EARLY_S, lasts_s / 2)
