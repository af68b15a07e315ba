"""A figure that many pages ask for is read once in a while, however many ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")
_GOOD_FOR_S = 1.0


class Fresh(Generic[T]):
    """What `read` gave, at most `good_for_s` old; who asks meanwhile waits for the same answer."""

    def __init__(self, read: Callable[[], Awaitable[T]], good_for_s: float = _GOOD_FOR_S) -> None:
        self._read, self._good_for_s = read, good_for_s
        self._alone = asyncio.Lock()
        self._kept: T | None = None
        self._until = 0.0
        # When the answer was asked for; pages say how old it is.
        self.read_at = datetime.now(UTC)

    async def get(self) -> T:
        """The answer. Raises what `read` raises, and keeps nothing then."""
        async with self._alone:
            if self._kept is None or time.monotonic() >= self._until:
                at = datetime.now(UTC)
                self._kept, self.read_at = await self._read(), at
                self._until = time.monotonic() + self._good_for_s
            return self._kept
