"""Sends again all messages that were given up for one reason: a job, each of them once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b

from sqlalchemy import ColumnElement, Connection, func, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.lots import AT_ONCE, Jobs, Progress
from bot.dashboard.screens.message_desk import WAY_WORDS
from bot.masking import without_numbers
from bot.storage import outbox
from bot.storage.in_lots import PAUSE_S
from bot.storage.records import Records
from bot.storage.schema import outbox as letters

# The most frequent: beyond them each is sent again by itself.
_SHOWN = 20
_COUNTED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why messages of one way were given up, and how many; `mark` stands for it in addresses."""

    way: str
    why: str
    count: int

    @property
    def mark(self) -> str:
        """The same for the same way and reason, whatever is in its text."""
        return blake2b(f"{self.way}\n{self.why}".encode(), digest_size=8).hexdigest()


async def reasons(records: Records) -> list[Reason]:
    """The reasons for which messages were given up, the most frequent first."""
    ids, found = await records.read(_given_up), Counter[tuple[str, str]]()
    for first in range(0, len(ids), _COUNTED_AT_ONCE):
        lot = ids[first : first + _COUNTED_AT_ONCE]
        found.update(await records.read(partial(_why, ids=lot)))
        # After a bad day there are many, and hops have their turn in between.
        await asyncio.sleep(PAUSE_S if lot[-1] != ids[-1] else 0)
    most = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:_SHOWN]
    return [Reason(way, why, count) for (way, why), count in most]


def _given_up(db: Connection) -> Sequence[int]:
    """Their ids, which an index has by itself."""
    query = select(letters.c.id).where(letters.c.kind.in_(WAY_WORDS), letters.c.state == "dead")
    return db.execute(query).scalars().all()


def _why(db: Connection, ids: Sequence[int]) -> dict[tuple[str, str], int]:
    row = letters.c
    query = select(row.kind, row.last_error, func.count()).where(row.id.in_(ids))
    found = db.execute(query.group_by(row.kind, row.last_error)).all()
    return {(way, why): count for way, why, count in found}


class MessageLots(Jobs):
    """One job for each reason at a time."""

    def __init__(self, records: Records) -> None:
        super().__init__(records, "messages sent again")

    async def send(self, reason: Reason, by: Member, wait_s: float) -> Progress:
        """Begin with this reason, or find the job that is under way."""
        return await self.begin(reason.mark, _Again(reason, by, datetime.now(UTC)), wait_s)


@dataclass(frozen=True, slots=True)
class _Again:
    reason: Reason
    by: Member
    now: datetime

    def begun(self, db: Connection) -> Progress:
        query = select(func.count(), func.max(letters.c.id)).where(self._which())
        count, last = db.execute(query).one()
        self._note(db, "messages again begun", int(count))
        return Progress(int(count), int(last or 0))

    def lot(self, db: Connection, after: int, last: int) -> tuple[int, int]:
        return outbox.replay_lot(db, self._which(), after, last, AT_ONCE, self.now)

    def ended(self, db: Connection, done: int) -> None:
        self._note(db, "messages sent again", done)

    def _which(self) -> ColumnElement[bool]:
        row = letters.c
        same = (row.kind == self.reason.way) & (row.last_error == self.reason.why)
        # What is given up once more while the job goes on is not sent a second time by it.
        return same & (row.state == "dead") & (row.done_at <= self.now)

    def _note(self, db: Connection, action: str, count: int) -> None:
        why = without_numbers(self.reason.why)
        note(
            db, self.by.name, action, f"{self.reason.way} messages", self.now, count=count, why=why
        )
