"""One asking for all who want the same at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """What `fetch` gives, asked for once for all who wait: they share its failure too.

    Each asking anew after the one before had failed, many would wait for as many time-outs.
    """

    def __init__(self, fetch: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._fetch = fetch
        self._under_way: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The answer to the asking under way, or to a new one. Raises what `fetch` raises."""
        task = self._under_way
        if task is None:
            task = self._under_way = asyncio.get_running_loop().create_task(self._fetch())
            task.add_done_callback(self._over)
        # Whoever is cancelled leaves it to those who still wait.
        return await asyncio.shield(task)

    def _over(self, task: asyncio.Task[T]) -> None:
        self._under_way = None
        if not task.cancelled():
            # Looked at, so that asyncio does not report it when nobody waits any more.
            task.exception()
