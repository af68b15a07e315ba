"""An event loop whose clock jumps to the next timer as soon as nobody has anything to do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import time_machine

T = TypeVar("T")
# Of what works outside the loop nothing is heard for so long: it waits for one of our timers.
_PATIENCE_S = 0.5


class _Jumping(selectors.EpollSelector):
    """Never waits for a timer: it moves the clock there instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if self.loop.outside:
            found = super().select(_PATIENCE_S)
            if found:
                return found
        if timeout is None:
            return super().select(_PATIENCE_S)
        self.loop.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Virtual time for the loop, `time` and `datetime` alike; sockets and threads are real.

    `outside` counts what works in threads or other processes, such as a commit: while there is
    any, the clock stands, so that a slow disk does not look like a time-out.
    """

    def __init__(self, start: datetime) -> None:
        selector = _Jumping()
        selector.loop = self
        self.outside = 0
        self._now_s = 0.0
        self._travel = time_machine.travel(start, tick=False)
        self._clock = self._travel.start()
        super().__init__(selector)

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._now_s

    def jump(self, seconds: float) -> None:
        """Move every clock forward."""
        self._now_s += seconds
        self._clock.shift(seconds)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """The same, and the clock stands until it is done."""
        done = super().run_in_executor(executor, func, *args)
        self.outside += 1
        done.add_done_callback(self._is_back)
        return done

    @contextmanager
    def standing(self) -> Iterator[None]:
        """The clock stands while something outside is waited for."""
        self.outside += 1
        try:
            yield
        finally:
            self.outside -= 1

    def close(self) -> None:
        """Give the real clock back."""
        super().close()
        self._travel.stop()

    def _is_back(self, _done: object) -> None:
        self.outside -= 1


class OutsideRecords:
    """Records whose store is another process: the clock stands while it is asked."""

    def __init__(self, records: Any, loop: VirtualLoop) -> None:
        self._records, self._loop = records, loop

    async def read(self, work: Callable[..., T]) -> T:
        return await self._standing(self._records.read(work))

    async def write(self, work: Callable[..., T]) -> T:
        return await self._standing(self._records.write(work))

    async def close(self) -> None:
        await self._records.close()

    async def _standing(self, asked: Coroutine[Any, Any, T]) -> T:
        with self._loop.standing():
            return await asked


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]], start: datetime) -> T:
    """Run to the end in virtual time that begins at `start`."""
    assert start.tzinfo is UTC
    loop = VirtualLoop(start)
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main(loop))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
