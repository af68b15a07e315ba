"""Sends again what was given up for a receiver: a job that no browser has to wait for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection, func, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.webhook_desk import RECOVER_WITHIN
from bot.market import subscriptions
from bot.storage import outbox
from bot.storage.records import Records
from bot.storage.rounds import one_round
from bot.storage.schema import outbox as letters

# Few at a time: what callers ask to be written waits in the same line.
_AT_ONCE, _PAUSE_S = 200, 0.02


@dataclass(slots=True)
class Progress:
    """How far a job is; `last` is the newest letter that it is for."""

    of: int
    last: int
    done: int = 0
    over: bool = False


class Recoveries:
    """One job for each receiver at a time. What a process leaves undone when it stops is still
    given up, and the button is still there for it."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._jobs: dict[int, tuple[Progress, asyncio.Task[None]]] = {}

    async def begin(self, number: int, by: Member, wait_s: float) -> Progress:
        """Begin, or find the one that is under way; wait a moment for its end."""
        known = self._jobs.get(number)
        if known is None or known[0].over:
            now = datetime.now(UTC)
            progress = await self._records.write(partial(_begun, number=number, by=by, now=now))
            task = asyncio.create_task(self._run(number, progress, by), name="webhooks recovered")
            known = self._jobs[number] = progress, task
        await asyncio.wait([known[1]], timeout=wait_s)
        return known[0]

    def under_way(self) -> dict[int, Progress]:
        """The jobs that are not over, by their receiver."""
        return {number: job for number, (job, _task) in self._jobs.items() if not job.over}

    async def close(self) -> None:
        """Stop; each lot is done or not."""
        for _progress, task in self._jobs.values():
            task.cancel()
        await asyncio.gather(*(task for _job, task in self._jobs.values()), return_exceptions=True)

    async def _run(self, number: int, progress: Progress, by: Member) -> None:
        await one_round("webhooks recovered", lambda: self._all(number, progress, by))
        progress.over = True

    async def _all(self, number: int, progress: Progress, by: Member) -> None:
        via, after, now = subscriptions.via_of(number), 0, datetime.now(UTC)
        work = partial(
            outbox.replay_some, via=via, since=now - RECOVER_WITHIN, last=progress.last, now=now
        )
        while True:
            count, after = await self._records.write(partial(work, after=after, limit=_AT_ONCE))
            progress.done += count
            if not after:
                break
            await asyncio.sleep(_PAUSE_S)
        subject, done = f"subscription {number}", progress.done
        await self._records.write(
            lambda db: note(db, by.name, "webhooks recovered", subject, now, count=done)
        )


def _begun(db: Connection, number: int, by: Member, now: datetime) -> Progress:
    row, via = letters.c, subscriptions.via_of(number)
    dead = outbox.dead_letters(via, now - RECOVER_WITHIN)
    count, last = db.execute(select(func.count(), func.max(row.id)).where(dead)).one()
    subject = f"subscription {number}"
    note(db, by.name, "webhooks recovery begun", subject, now, count=int(count))
    return Progress(int(count), int(last or 0))
