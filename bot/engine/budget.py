"""How long a hop may look at the records: one timer for all hops, since each would cost one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from bot.storage.records import RecordsDown

T = TypeVar("T")

# Whoever has spent all of it before, in front of the records, still has a moment there.
_LEAST_S = 0.1

# How often it is looked whose time is over, in parts of that time.
_LOOKS = 8


class Budget:
    """Ends what has waited longer than `budget_s`, or a little more."""

    def __init__(self, budget_s: float) -> None:
        self.budget_s = budget_s
        self._since: dict[asyncio.Task[object], float] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._is_looking = False

    async def spend(self, work: Awaitable[T], came_at: float) -> T:
        """What `work` comes to, of a hop that came then, by `time.monotonic`.

        Raises `RecordsDown` when its time is over; `work` is cancelled. Inside other work that is
        given its time, that time is also this one's.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a hop is answered in a task")
        if task in self._since:
            return await work
        self._since[task] = max(came_at, time.monotonic() - self.budget_s + _LEAST_S)
        if not self._is_looking:
            self._look_soon()
        try:
            return await work
        except asyncio.CancelledError:
            # Somebody else may want this task to end as well: that goes before.
            if task not in self._ended or task.cancelling() > 1:
                raise
            raise RecordsDown("the records are slow") from None
        finally:
            del self._since[task]
            if task in self._ended:
                self._ended.discard(task)
                task.uncancel()

    def _look_soon(self) -> None:
        self._is_looking = True
        asyncio.get_running_loop().call_later(self.budget_s / _LOOKS, self._look)

    def _look(self) -> None:
        over = time.monotonic() - self.budget_s
        for task, since in self._since.items():
            if since < over and task not in self._ended:
                self._ended.add(task)
                task.cancel()
        self._is_looking = False
        if self._since:
            self._look_soon()
