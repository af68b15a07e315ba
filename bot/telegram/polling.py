"""Asks Telegram for updates, for a laptop without a public address; each is kept as it came."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import structlog

from bot.capped import read_capped
from bot.storage import turns
from bot.storage.records import Records
from bot.storage.rounds import one_round
from bot.telegram.config import TelegramConfig
from bot.telegram.introduction import UPDATES

log = structlog.get_logger(__name__)

_TURN, _TURN_S = "telegram polling", 60.0
_TIMEOUT_S, _AT_ONCE = 25, 100
# As many updates as come at once, each as large as one may be.
_BYTES_MAX = 32 * 1024 * 1024
_WAIT_S = 2.0


class Polling:
    """One process asks; what it was given counts as taken only once `keep` has committed it."""

    def __init__(
        self,
        records: Records,
        http: aiohttp.ClientSession,
        config: TelegramConfig,
        keep: Callable[[bytes], Awaitable[object]],
    ) -> None:
        self._records, self._http, self._keep = records, http, keep
        # It holds the token, and is shown to nobody.
        self._url = f"{config.base_url}{config.token}/getUpdates"
        self._holder = secrets.token_hex(8)
        self._next = 0

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await one_round("telegram polling", self.ask)

    async def ask(self, timeout_s: int = _TIMEOUT_S) -> int:
        """One question; how many updates were kept."""
        now = datetime.now(UTC)
        ours = await self._records.write(
            lambda db: turns.take(db, _TURN, self._holder, now, _TURN_S)
        )
        updates = await self._updates(timeout_s) if ours else None
        if updates is None:
            await asyncio.sleep(_WAIT_S)
            return 0
        try:
            for update in updates:
                await self._keep(json.dumps(update).encode())
                self._next = int(update["update_id"]) + 1
        except Exception:
            # It is given again at once, and would fail again at once.
            await asyncio.sleep(_WAIT_S)
            raise
        return len(updates)

    async def _updates(self, timeout_s: int) -> list[dict[str, Any]] | None:
        """What is new, or None when there was no answer."""
        asked = {
            "offset": self._next,
            "limit": _AT_ONCE,
            "timeout": timeout_s,
            "allowed_updates": list(UPDATES),
        }
        limit = aiohttp.ClientTimeout(total=timeout_s + 10)
        try:
            async with self._http.post(self._url, json=asked, timeout=limit) as response:
                said = json.loads(await read_capped(response, _BYTES_MAX))
                if response.status == 200 and said.get("ok") is True:
                    return list(said["result"])
                why = f"HTTP {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # Its words may hold the URL, and that the token.
            why = type(error).__name__
        log.warning("telegram gave no updates", why=why)
        return None
