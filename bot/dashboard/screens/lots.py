"""Jobs that send much again, lot by lot: no browser has to wait for them, and no caller either."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from bot.storage.records import Records
from bot.storage.rounds import one_round

# Few at a time: what callers ask to be written waits in the same line.
AT_ONCE, _PAUSE_S = 200, 0.02


@dataclass(slots=True)
class Progress:
    """How far a job is; `last` is the newest letter that it is for."""

    of: int
    last: int
    done: int = 0
    over: bool = False


class Work(Protocol):
    """What is to be done: counted and put on record first, then lot by lot, then on record."""

    def begun(self, db: Connection) -> Progress:
        """How much it is."""
        ...

    def lot(self, db: Connection, after: int, last: int) -> tuple[int, int]:
        """Do the next of those above `after`, up to `last`: how many, and where the next begin."""
        ...

    def ended(self, db: Connection, done: int) -> None:
        """It is over."""
        ...


class Jobs:
    """One job for each key at a time. What a process leaves undone when it stops is still given
    up, and the button is still there for it."""

    def __init__(self, records: Records, name: str) -> None:
        self._records, self._name = records, name
        self._jobs: dict[Hashable, tuple[Progress, asyncio.Task[None]]] = {}

    async def begin(self, key: Hashable, work: Work, wait_s: float) -> Progress:
        """Begin, or find the one that is under way; wait a moment for its end."""
        known = self._jobs.get(key)
        if known is None or known[0].over:
            progress = await self._records.write(work.begun)
            # Whoever pressed while that was written has the same job.
            known = self._jobs.get(key)
            if known is None or known[0].over:
                task = asyncio.create_task(self._run(work, progress), name=self._name)
                known = self._jobs[key] = progress, task
        await asyncio.wait([known[1]], timeout=wait_s)
        return known[0]

    def under_way(self) -> dict[Hashable, Progress]:
        """The jobs that are not over, by their key."""
        return {key: job for key, (job, _task) in self._jobs.items() if not job.over}

    async def close(self) -> None:
        """Stop; each lot is done or not."""
        for _progress, task in self._jobs.values():
            task.cancel()
        await asyncio.gather(*(task for _job, task in self._jobs.values()), return_exceptions=True)

    async def _run(self, work: Work, progress: Progress) -> None:
        await one_round(self._name, lambda: self._all(work, progress))
        progress.over = True

    async def _all(self, work: Work, progress: Progress) -> None:
        after = 0
        while True:
            lot = partial(work.lot, after=after, last=progress.last)
            count, after = await self._records.write(lot)
            progress.done += count
            if not after:
                break
            await asyncio.sleep(_PAUSE_S)
        await self._records.write(partial(work.ended, done=progress.done))
