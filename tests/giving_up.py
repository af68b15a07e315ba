"""Many calls at once, given up at random; each answer is compared with what was asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_AT_ONCE = 40
LATE_S = 0.004

Ask = Callable[[int], Awaitable[object]]


@dataclass(slots=True)
class Count:
    """What became of the calls."""

    answered: int = 0
    given_up: int = 0
    failed: int = 0
    of_another: int = 0

    def __str__(self) -> str:
        return (
            f"{self.answered:,} answered, {self.given_up:,} given up, {self.failed:,} failed, "
            f"answers of another: {self.of_another:,}"
        )


async def storm(ask: Ask, calls: int, seed: int, patience_s: float) -> Count:
    """Ask for numbers, give up on many within `patience_s`, and compare each answer with its number."""
    draw, count, at_once = random.Random(seed), Count(), asyncio.Semaphore(_AT_ONCE)

    async def call(number: int, patience_s: float) -> None:
        async with at_once:
            task = asyncio.ensure_future(ask(number))
            done, _pending = await asyncio.wait([task], timeout=patience_s)
            if not done:
                task.cancel()
                count.given_up += 1
                await asyncio.wait([task])
            elif task.exception() is not None:
                count.failed += 1
            else:
                count.answered += 1
                count.of_another += int(str(task.result()).strip("b'") != str(number))

    await asyncio.gather(*(call(n, draw.uniform(0, patience_s)) for n in range(calls)))
    return count
