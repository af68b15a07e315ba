"""One hop of a session at a time: a repeat in flight waits for the first, and finds its reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turnstile:
    """Lets one through for each key; costs a dictionary entry while somebody is inside."""

    def __init__(self) -> None:
        self._inside: dict[str, asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._inside)

    @asynccontextmanager
    async def passing(self, key: str) -> AsyncIterator[None]:
        """Wait until nobody else is inside under `key`, and be the one inside."""
        while (other := self._inside.get(key)) is not None:
            await other.wait()
        mine = self._inside[key] = asyncio.Event()
        try:
            yield
        finally:
            del self._inside[key]
            mine.set()
