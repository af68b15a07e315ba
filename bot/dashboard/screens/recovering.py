"""Sends again what was given up for a receiver: a job that no browser has to wait for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.lots import AT_ONCE, Jobs, Progress
from bot.dashboard.screens.webhook_desk import RECOVER_WITHIN
from bot.market import subscriptions
from bot.storage import outbox
from bot.storage.records import Records
from bot.storage.schema import outbox as letters


class Recoveries(Jobs):
    """One job for each receiver at a time."""

    def __init__(self, records: Records) -> None:
        super().__init__(records, "webhooks recovered")

    async def recover(self, number: int, by: Member, wait_s: float) -> Progress:
        """Begin with this receiver, or find the job that is under way."""
        return await self.begin(number, _Recovery(number, by, datetime.now(UTC)), wait_s)


@dataclass(frozen=True, slots=True)
class _Recovery:
    number: int
    by: Member
    now: datetime

    def begun(self, db: Connection) -> Progress:
        row, via = letters.c, subscriptions.via_of(self.number)
        dead = outbox.dead_letters(via, self.now - RECOVER_WITHIN)
        count, last = db.execute(select(func.count(), func.max(row.id)).where(dead)).one()
        self._note(db, "webhooks recovery begun", int(count))
        return Progress(int(count), int(last or 0))

    def lot(self, db: Connection, after: int, last: int) -> tuple[int, int]:
        via, since = subscriptions.via_of(self.number), self.now - RECOVER_WITHIN
        return outbox.replay_some(db, via, since, after, last, AT_ONCE, self.now)

    def ended(self, db: Connection, done: int) -> None:
        self._note(db, "webhooks recovered", done)

    def _note(self, db: Connection, action: str, count: int) -> None:
        note(db, self.by.name, action, f"subscription {self.number}", self.now, count=count)
