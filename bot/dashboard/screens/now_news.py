"""Tells a browser on the page Now that a figure on it has changed; it then asks for the page."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from bot.storage.records import RecordsDown


class NowNews:
    """What one browser knows of the page. `stamp` gives another text once a figure is another."""

    name = "now"

    def __init__(self, stamp: Callable[[], Awaitable[str]]) -> None:
        self._stamp, self._has, self._is = stamp, "", ""

    async def look(self) -> None:
        """Look at the figures; while they cannot be read, the feed says how old they are."""
        with suppress(RecordsDown):
            self._is = await self._stamp()

    def news(self) -> dict[str, Any] | None:
        """The newest stamp, when the browser has another."""
        if self._is == self._has:
            return None
        self._has = self._is
        return {"now": int(time.time() * 1000), "stamp": self._is}
