"""The server's lives, one after the other: killed at steps drawn from the seed, begun again."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from sqlalchemy import Connection, select

from bot.storage.schema import inbox
from bot.storage.sessions.memory import MemorySessions
from tests.mortal import Killed
from tests.storm.process import Process

T = TypeVar("T")
_STEPS = (20, 700)
# A live session store that is lost with every so many deaths, as Redis without a disk may be.
_FLUSH = 0.4


class Lives:
    """Starts the server again after each death, until the storm is over.

    `early` names callbacks that were acknowledged before they were kept.
    """

    def __init__(self, folder: Path, records: Any, seed: str) -> None:
        self._folder, self._records = folder, records
        self._chance = random.Random(f"{seed} lives")
        self._sessions = MemorySessions(900.0)
        self._alive = asyncio.Event()
        self._calm = False
        self.process: Process | None = None
        self.flushes = 0
        self.faults = Counter[str]()
        self.acknowledged: set[tuple[str, str]] = set()
        self.early: list[str] = []

    async def run(self) -> None:
        """Live and die until cancelled."""
        while True:
            fate = (self._steps(), self._chance.random() < 0.5)
            self.process = Process(
                self._folder, self._records, self._sessions, fate, self._saw_answer
            )
            try:
                await self.process.start()
                self._alive.set()
                await self.process.died.wait()
            except Killed:
                pass
            finally:
                self._alive.clear()
                await self.process.end()
            self.faults["kills"] += 1
            if self._chance.random() < _FLUSH:
                self._sessions = MemorySessions(900.0)
                self.flushes += 1
                self.faults["sessions lost"] += 1
            await asyncio.sleep(self._chance.uniform(0.1, 5))

    def calm_down(self) -> None:
        """No more deaths."""
        self._calm = True
        if self.process is not None:
            self.process.fate.spare()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Write as part of the server; when it dies of that, again in its next life."""
        while True:
            await self._alive.wait()
            assert self.process is not None
            try:
                return await self.process.records.write(work)
            except Killed:
                await asyncio.sleep(1)

    def _steps(self) -> int:
        return -2 if self._calm else self._chance.randrange(*_STEPS)

    async def _saw_answer(self, request: web.Request) -> None:
        """I9: whatever is acknowledged was kept before; asked past the server's own records."""
        if not request.path.startswith("/payments/") or request["answer"].status >= 300:
            return
        token = request.match_info["token"]
        body = await request.read()
        event = blake2b(token.encode() + body, digest_size=16).hexdigest()
        source = request.path.split("/")[2]
        kept = select(inbox.c.id).where(inbox.c.source == source, inbox.c.event_id == event)
        if await self._records.read(lambda db: db.execute(kept).first()) is None:
            self.early.append(event)
        self.acknowledged.add((source, event))
