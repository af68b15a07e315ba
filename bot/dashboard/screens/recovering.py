"""Sends again what was given up for a receiver: a job that no browser has to wait for.

How far it is stands in the records, so that every process shows it, and any goes on with what
another has left.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.webhook_desk import RECOVER_WITHIN
from bot.market import subscriptions
from bot.storage import outbox, turns
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.records import Records
from bot.storage.rounds import one_round
from bot.storage.schema import outbox as letters
from bot.storage.schema import recoveries

# Few at a time: what callers ask to be written waits in the same line.
_AT_ONCE, _PAUSE_S = 200, 0.02
# Who has not done a lot for so long has stopped; another looks for that now and then.
_LEASE_S, _LOOK_S = 20.0, 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `of` letters."""

    id: int
    of: int
    done: int
    over: bool


class Recoveries:
    """One job for each receiver at a time, in all processes together."""

    def __init__(self, records: Records) -> None:
        self._records, self._holder = records, secrets.token_hex(8)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def begin(self, number: int, by: Member, wait_s: float) -> Progress:
        """Begin, or find the one that is under way; wait a moment for its end."""
        via, now = subscriptions.via_of(number), datetime.now(UTC)
        job = await self._records.write(partial(_begun, via=via, by=by, now=now))
        await asyncio.wait([self._go_on(job)], timeout=wait_s)
        return await self._records.read(partial(_progress, job=job))

    async def under_way(self) -> dict[str, Progress]:
        """The jobs that are not over, by the outbox's name for their receiver."""
        return await self._records.read(_open_ones)

    def start(self) -> None:
        """Go on with what was left, by us before we stopped or by another, now and later."""
        self._looking = asyncio.create_task(self._look(), name="webhooks recovered")

    async def close(self) -> None:
        """Stop; each lot is done or not."""
        tasks = [*self._tasks.values(), *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            await one_round("webhooks recovered", self._go_on_with_all)
            await asyncio.sleep(_LOOK_S)

    async def _go_on_with_all(self) -> None:
        for job in (await self._records.read(_open_ones)).values():
            self._go_on(job.id)

    def _go_on(self, job: int) -> asyncio.Task[None]:
        task = self._tasks.get(job)
        if task is None:
            work = one_round("webhooks recovered", partial(self._all, job))
            task = self._tasks[job] = asyncio.create_task(work, name="webhooks recovered")
            task.add_done_callback(lambda _task: self._tasks.pop(job, None))
        return task

    async def _all(self, job: int) -> None:
        lot = partial(_lot, job=job, holder=self._holder)
        while True:
            now = datetime.now(UTC)
            if not await self._records.write(partial(lot, now=now)):
                return
            await asyncio.sleep(_PAUSE_S)


def _begun(db: Connection, via: str, by: Member, now: datetime) -> int:
    """The job of this receiver, which begins unless there is one."""
    table, row = recoveries, letters.c
    # Of two who press at once the second finds the first.
    one_at_a_time(db, f"recovery {via}")
    open_one = select(table.c.id).where(table.c.via == via, table.c.ended_at.is_(None))
    if (known := db.execute(open_one).scalar()) is not None:
        return int(known)
    # The audit knows of those before.
    db.execute(delete(table).where(table.c.via == via))
    since = now - RECOVER_WITHIN
    dead = outbox.dead_letters(via, since)
    count, last = db.execute(select(func.count(), func.max(row.id)).where(dead)).one()
    which = {"via": via, "since": since, "after_id": 0, "last_id": int(last or 0)}
    job = {"letters": int(count), "done": 0, "asked_by": by.name, "asked_at": now}
    note(db, by.name, "webhooks recovery begun", _subject(via), now, count=int(count))
    number = db.execute(insert(table).values(**which, **job)).inserted_primary_key
    assert number is not None  # noqa: S101  the database numbers every row
    return int(number[0])


def _lot(db: Connection, job: int, holder: str, now: datetime) -> bool:
    """Do the next few, and with them write how far it is; False when there is no more to do."""
    mine = recoveries.c.id == job
    row = db.execute(select(recoveries).where(mine)).mappings().first()
    if row is None or not turns.take(db, _turn(row), holder, now, _LEASE_S):
        return False
    # What it was before it was ours may be old by now.
    row = db.execute(select(recoveries).where(mine)).mappings().one()
    if row["ended_at"] is not None:
        return False
    count, after = outbox.replay_some(
        *(db, row["via"], row["since"], row["after_id"], row["last_id"]), _AT_ONCE, now
    )
    values = {"done": row["done"] + count, "after_id": after or row["last_id"]}
    if not after:
        values["ended_at"] = now
        _end(db, row, values["done"], holder, now)
    db.execute(update(recoveries).where(mine).values(values))
    return bool(after)


def _end(db: Connection, row: RowMapping, count: int, holder: str, now: datetime) -> None:
    note(db, row["asked_by"], "webhooks recovered", _subject(row["via"]), now, count=count)
    turns.give_up(db, _turn(row), holder)


def _turn(row: RowMapping) -> str:
    return f"redo {row['via']}"


def _open_ones(db: Connection) -> dict[str, Progress]:
    query = select(recoveries).where(recoveries.c.ended_at.is_(None))
    return {row["via"]: _as_progress(row) for row in db.execute(query).mappings()}


def _progress(db: Connection, job: int) -> Progress:
    row = db.execute(select(recoveries).where(recoveries.c.id == job)).mappings().first()
    # It has ended, and another one has begun since.
    return Progress(job, 0, 0, over=True) if row is None else _as_progress(row)


def _as_progress(row: RowMapping) -> Progress:
    return Progress(row["id"], row["letters"], row["done"], row["ended_at"] is not None)


def _subject(via: str) -> str:
    return f"subscription {subscriptions.number_of(via)}"
