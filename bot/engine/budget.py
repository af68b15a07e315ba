"""How long a hop may look at the records: one timer for all hops, since each would cost one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from bot.storage.records import RecordsDown

T = TypeVar("T")

# How often it is looked whose time is over, in parts of that time.
_LOOKS = 8


class Budget:
    """Ends what has waited longer than `budget_s`, or a little more."""

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s
        self._since: dict[asyncio.Task[object], float] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._is_looking = False

    async def spend(self, work: Awaitable[T]) -> T:
        """What `work` comes to. Raises `RecordsDown` when its time is over; `work` is cancelled."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a hop is answered in a task")
        self._since[task] = time.monotonic()
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
        asyncio.get_running_loop().call_later(self._budget_s / _LOOKS, self._look)

    def _look(self) -> None:
        over = time.monotonic() - self._budget_s
        for task, since in self._since.items():
            if since < over and task not in self._ended:
                self._ended.add(task)
                task.cancel()
        self._is_looking = False
        if self._since:
            self._look_soon()
