"""How a hub calls a server like ours: each event signed, under one id however often it is sent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bot.hub.signing import sign

_LIMITS = aiohttp.ClientTimeout(total=30)


class Caller:
    """A hub with its secret, for the command line and the demo's buyer."""

    def __init__(self, http: aiohttp.ClientSession, url: str, secret: str) -> None:
        self._http, self._url, self._secret = http, url.rstrip("/"), secret

    async def send(
        self, kind: str, data: Mapping[str, Any], event_id: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Send one event; the status and what was answered. Raises `aiohttp.ClientError`."""
        now = datetime.now(UTC)
        body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": dict(data)})
        headers = sign(event_id or new_id(), now, body, [self._secret])
        headers["Content-Type"] = "application/json"
        async with self._http.post(
            f"{self._url}/hub/events", data=body.encode(), headers=headers, timeout=_LIMITS
        ) as response:
            return response.status, await response.json()

    async def order(self, order_id: str) -> tuple[int, dict[str, Any]]:
        """Where an order stands. Raises `aiohttp.ClientError`."""
        return await self.ask(f"/hub/orders/{order_id}")

    async def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        """What is answered at a path, query included. Raises `aiohttp.ClientError`."""
        status, body = await self.fetch(path)
        said: dict[str, Any] = json.loads(body)
        return status, said

    async def fetch(self, path: str) -> tuple[int, bytes]:
        """The same for what is no JSON, as a photo."""
        headers = sign(new_id(), datetime.now(UTC), path, [self._secret])
        async with self._http.get(
            f"{self._url}{path}", headers=headers, timeout=_LIMITS
        ) as response:
            return response.status, await response.read()


def new_id() -> str:
    """An id for a message."""
    return f"msg_{secrets.token_hex(12)}"


def order_of(order_id: str, sku: str, packs: int, unit_price: str) -> dict[str, Any]:
    """An order of one line, in francs."""
    line = {"sku": sku, "qty": packs, "unit_price": unit_price}
    return {"order_id": order_id, "currency": "RWF", "lines": [line]}
