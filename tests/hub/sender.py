"""A hub as it calls us: signs by itself, with the standard library alone, and posts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from tests.server import Running

SECRET = "whsec_ZGVtby1zZWNyZXQtb2YtdGhlLWh1Yi1vbmx5LWhlcmU="


def signature(secret: str, event_id: str, moment: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event_id}.{moment}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def signed(body: bytes, event_id: str = "", at: float = 0, secret: str = SECRET) -> dict[str, str]:
    event_id = event_id or f"msg_{secrets.token_hex(12)}"
    moment = str(int(at or time.time()))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": moment,
        "webhook-signature": signature(secret, event_id, moment, body),
        "Content-Type": "application/json",
    }


def event(kind: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "timestamp": "2026-11-25T10:00:00Z", "data": data}).encode()


def order(order_id: str = "KW-2001", qty: int = 40, **more: Any) -> dict[str, Any]:
    line = {"sku": "RW-COFFEE-500G", "qty": qty, "unit_price": "16000"}
    return {"order_id": order_id, "currency": "RWF", "lines": [line], **more}


class Hub:
    """The marketplace's hub, against a running server."""

    def __init__(self, server: Running) -> None:
        self.server = server

    async def posts(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        async with self.server.client.post("/hub/events", data=body, headers=headers) as response:
            return response.status, await response.json()

    async def says(self, kind: str, data: dict[str, Any], event_id: str = "") -> int:
        body = event(kind, data)
        status, _said = await self.posts(body, signed(body, event_id))
        return status

    async def worked(self) -> None:
        """Wait until all that came is applied and offered."""
        assert self.server.parts.hub is not None
        await self.server.parts.hub.apply_all()
        await self.server.parts.hub.allocate_all()

    async def asks(self, order_id: str) -> tuple[int, dict[str, Any]]:
        path = f"/hub/orders/{order_id}"
        headers = signed(path.encode())
        async with self.server.client.get(path, headers=headers) as response:
            return response.status, await response.json()

    async def line(self, order_id: str) -> dict[str, Any]:
        _status, said = await self.asks(order_id)
        return said["lines"][0]

    async def until(self, order_id: str, state: str) -> dict[str, Any]:
        for _round in range(100):
            line = await self.line(order_id)
            if line["state"] == state:
                return line
            await self.worked()
            await asyncio.sleep(0.02)
        raise AssertionError(f"{line} never was {state}")
