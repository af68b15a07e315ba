"""Background work goes round after round; a round that fails is not the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.storage.records import RecordsDown

log = structlog.get_logger(__name__)


async def one_round(what: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do one round of `what`. Only being cancelled comes out of it; all else is logged."""
    try:
        await work()
    except RecordsDown as error:
        log.warning(f"{what} waits", why=str(error))
    except Exception:  # whatever broke this round, the next one must come
        log.exception(f"{what}: a round failed")


async def together(*work: Awaitable[object]) -> None:
    """Do all of it, each to its end. Raises the first failure, once nothing is under way."""
    for end in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(end, BaseException):
            raise end


class Batches:
    """Work that goes on beside the rounds: one batch a line, so that a slow one holds up no other.

    `what` names it in the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._under_way: dict[str, asyncio.Task[None]] = {}

    @property
    def busy(self) -> tuple[str, ...]:
        """The lines whose batch is not over; nothing may begin on them."""
        return tuple(self._under_way)

    def begin(self, line: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let `work` go on by itself; what goes wrong in it is logged."""

        async def batch() -> None:
            try:
                await one_round(self._what, work)
            finally:
                del self._under_way[line]

        self._under_way[line] = asyncio.get_running_loop().create_task(batch())

    async def finish(self, within_s: float) -> None:
        """Wait so long for what is under way, then cut it off."""
        left = list(self._under_way.values())
        if left:
            await asyncio.wait(left, timeout=within_s)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
