"""How the pretended Airtel Money calls back: once, hashed, and with nuisances to switch on.

Source: Airtel's developer pages, as collected in the project's wire facts, section 4.6.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

from bot.sandbox.airtel_access import CALLBACK_SECRET
from bot.sandbox.airtel_transfers import AirtelTransfers
from bot.sandbox.switches import Switches


class AirtelCallbacks:
    """Callbacks to the one URL set in the portal."""

    def __init__(
        self,
        transfers: AirtelTransfers,
        http: aiohttp.ClientSession,
        switches: Callable[[], Switches],
        url: Callable[[], str],
    ) -> None:
        self._transfers, self._http = transfers, http
        self._switches, self._url = switches, url
        self.sent = 0

    async def settle(self, transfer: dict[str, Any]) -> None:
        """Wait for the end of a transfer, and tell of it as often as the switches say."""
        if self._switches().forged_callback:
            await self._send(transfer, "TS", "not the portal's key")
        wait_s = max(0.0, transfer["settles_at"] - time.time()) + 0.01 + self._switches().late_s
        await asyncio.sleep(wait_s)
        if self._transfers.state(transfer) in ("TS", "TF", "TE"):
            await self.call_back(transfer)
            if self._switches().callback_twice:
                await self.call_back(transfer)

    async def call_back(self, transfer: dict[str, Any]) -> None:
        """One callback about a transfer as it stands."""
        if not self._switches().lost_callback:
            await self._send(transfer, self._transfers.state(transfer), CALLBACK_SECRET)

    async def _send(self, transfer: dict[str, Any], state: str, secret: str) -> None:
        if not self._url():
            return
        shown = self._transfers.shown(transfer)
        transaction = {
            "id": shown["id"],
            "message": shown["message"],
            "status_code": state,
            "airtel_money_id": shown["airtel_money_id"],
        }
        body: dict[str, Any] = {"transaction": transaction}
        if self._switches().callback_hash:
            text = _json(body if self._switches().hash_whole else transaction)
            digest = hmac.digest(secret.encode(), text, "sha256")
            body["hash"] = b64encode(digest).decode()
        self.sent += 1
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._http.post(
                self._url(),
                data=_json(body),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=5),
            ) as response:
                await response.read()


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
