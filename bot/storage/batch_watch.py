"""How long batches have been with their server: one timer for all, since each would cost two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

# How often it is looked, in parts of the time after which an answer is doubted.
_LOOKS = 4


class BatchWatch:
    """Calls `doubt`, once, when a batch takes longer than `doubt_s`; ends it after `answer_s`.

    Both in seconds; they may be over by a quarter of `doubt_s` before it is seen.
    """

    def __init__(self, doubt: Callable[[], None], doubt_s: float, answer_s: float) -> None:
        self._doubt, self._doubt_s, self._answer_s = doubt, doubt_s, answer_s
        self._batches: set[Watched] = set()
        self._is_looking = False

    def watched(self) -> Watched:
        """What a batch runs in. It raises TimeoutError when its time is over."""
        batch = Watched(self._batches, asyncio.get_running_loop().time())
        if not self._is_looking:
            self._look_soon()
        return batch

    def _look_soon(self) -> None:
        loop = asyncio.get_running_loop()
        self._is_looking = True
        due = loop.time() + self._doubt_s / _LOOKS
        loop.call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        now = asyncio.get_running_loop().time()
        late = now - due
        for batch in self._batches:
            if late > self._doubt_s / _LOOKS:
                # This process itself stood still: an answer may lie in the socket unread.
                batch.since += late
            if now - batch.since > self._answer_s:
                batch.give_up(now)
            if now - batch.since > self._doubt_s and not batch.doubted:
                batch.doubted = True
                self._doubt()
        self._is_looking = False
        if self._batches:
            self._look_soon()


class Watched:
    """One batch, while it is with its server."""

    __slots__ = ("_among", "_patience", "doubted", "since")

    def __init__(self, among: set[Watched], since: float) -> None:
        self._among, self.since, self.doubted = among, since, False
        self._patience = asyncio.timeout(None)

    def give_up(self, now: float) -> None:
        """End it. It may take a while to end: from here on nobody watches it."""
        # Once only: a time-out that has begun refuses to begin again.
        if self._patience.when() is None:
            self._patience.reschedule(now)

    async def __aenter__(self) -> None:
        self._among.add(self)
        await self._patience.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._among.discard(self)
        await self._patience.__aexit__(kind, error, where)
