"""A slow answer is doubted once and then given up; a process that stood still gives nothing up."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.storage.batch_watch import BatchWatch


async def test_a_slow_answer_is_doubted_once_and_then_given_up() -> None:
    doubts: list[float] = []
    watch = BatchWatch(lambda: doubts.append(time.monotonic()), 0.2, 0.8)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with watch.watched():
            await asyncio.sleep(60)
    assert len(doubts) == 1
    assert doubts[0] - began >= 0.2
    assert time.monotonic() - began >= 0.8


async def test_each_batch_has_its_own_time() -> None:
    watch = BatchWatch(lambda: None, 0.2, 0.8)

    async def batch(seconds: float) -> str:
        async with watch.watched():
            await asyncio.sleep(seconds)
        return "answered"

    one, other = asyncio.create_task(batch(60)), asyncio.create_task(batch(0.05))
    assert await other == "answered"
    later = asyncio.create_task(batch(0.4))
    with pytest.raises(TimeoutError):
        await one
    assert await later == "answered"


async def test_an_answer_that_came_while_this_process_stood_still_is_taken() -> None:
    watch = BatchWatch(lambda: None, 0.1, 0.2)
    there: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def batch() -> str:
        async with watch.watched():
            return await there

    waiting = asyncio.create_task(batch())
    await asyncio.sleep(0.05)
    time.sleep(0.6)
    asyncio.get_running_loop().call_later(0.05, there.set_result, "answered")
    assert await waiting == "answered"


async def test_who_is_cancelled_from_outside_is_cancelled() -> None:
    watch = BatchWatch(lambda: None, 0.2, 0.8)

    async def batch() -> None:
        async with watch.watched():
            await asyncio.sleep(60)

    waiting = asyncio.create_task(batch())
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_batch_that_is_slow_to_end_does_not_end_the_watch() -> None:
    watch = BatchWatch(lambda: None, 0.1, 0.2)

    async def batch(farewell_s: float) -> None:
        async with watch.watched():
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(farewell_s)

    with pytest.raises(TimeoutError):
        await batch(0.5)
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            await batch(0)
