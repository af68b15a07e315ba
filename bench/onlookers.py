"""Browsers that look on at the live calls, in a process of their own.

Theirs are other machines: what they do with what they are told must not hold up who sends hops.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

import aiohttp

# The number of a hop, and when a board told it, by `time.perf_counter`.
Heard = list[tuple[int, float]]


class Onlookers:
    """One for each of `cookies`; each notes when hops of calls by `number_end` were told.

    Only hops after the `after`-th: other calls may have a number that ends so too.
    """

    def __init__(self, port: int, cookies: Sequence[str], number_end: str, after: int) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        given = port, tuple(cookies), number_end, after, theirs
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_look_on, args=given, daemon=True)
        self._process.start()
        # Theirs alone: should they end before they are sent away, we are not to wait for ever.
        theirs.close()

    def leave(self) -> list[Heard]:
        """Send them away; what each of them has heard."""
        self._ours.send("")
        heard: list[Heard] = self._ours.recv()
        self._process.join()
        return heard


def _look_on(
    port: int, cookies: Sequence[str], number_end: str, after: int, end: Connection
) -> None:
    # Whenever the sender wants its core it has it at once.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    end.send(asyncio.run(_all_look_on(port, cookies, number_end, after, end)))


async def _all_look_on(
    port: int, cookies: Sequence[str], number_end: str, after: int, end: Connection
) -> list[Heard]:
    card = re.compile(rb'"number":"[^"]*%s".*?"hops":(\d+)' % number_end.encode())
    heard: list[Heard] = [[] for _cookie in cookies]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        tasks = [
            asyncio.create_task(_watch(http, port, cookie, card, after, one))
            for cookie, one in zip(cookies, heard, strict=True)
        ]
        await asyncio.to_thread(end.recv)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
    return heard


async def _watch(
    http: aiohttp.ClientSession,
    port: int,
    cookie: str,
    card: re.Pattern[bytes],
    after: int,
    heard: Heard,
) -> None:
    url = f"http://127.0.0.1:{port}/dashboard/feed"
    sent = {"Cookie": f"isoko_staff={cookie}"}
    silent = aiohttp.ClientTimeout(None)
    # The whole of a board comes as one line.
    async with http.get(url, headers=sent, timeout=silent, read_bufsize=2**20) as response:
        async for line in response.content:
            for found in card.finditer(line) if line.startswith(b"data: ") else ():
                if (hops := int(found[1])) > after:
                    heard.append((hops, time.perf_counter()))
