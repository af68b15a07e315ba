"""Few of what comes at once go on in one turn of the loop, so that hops have theirs between."""

from __future__ import annotations

import asyncio
from collections import deque


class InTurns:
    """A gate through which `few` pass in a turn of the loop, in the order in which they came."""

    def __init__(self, few: int) -> None:
        self._few = self._left = few
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turning = False

    async def passes(self) -> None:
        """Go on in this turn, or in the first one that has room."""
        loop = asyncio.get_running_loop()
        if not self._turning:
            self._turning = True
            loop.call_soon(self._turn)
        if self._left and not self._waiting:
            self._left -= 1
            return
        room: asyncio.Future[None] = loop.create_future()
        self._waiting.append(room)
        await room

    def _turn(self) -> None:
        self._left = self._few
        while self._waiting and self._left:
            room = self._waiting.popleft()
            # Whoever has hung up meanwhile takes no place.
            if not room.done():
                room.set_result(None)
                self._left -= 1
        self._turning = bool(self._waiting) or self._left < self._few
        if self._turning:
            asyncio.get_running_loop().call_soon(self._turn)
