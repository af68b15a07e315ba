"""On which day each person last called, noted in batches off the reply's path."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection, bindparam, update

from bot.storage.prepared import Prepared
from bot.storage.records import Records
from bot.storage.rounds import one_round
from bot.storage.schema import contacts

# Few at a time: what callers ask to be written waits in the same line.
_AT_ONCE = 500
# Never back, and not of somebody who was erased meanwhile.
_note = Prepared(
    update(contacts)
    .where(contacts.c.id == bindparam("contact_id"), contacts.c.seen_day < bindparam("day"))
    .where(contacts.c.erased_at.is_(None))
    .values(seen_day=bindparam("day")),
    *("contact_id", "day"),
)


class CallDays:
    """Collects who called and writes it every `every_s` seconds.

    What a crash takes with it is a day in which somebody called: at worst they are asked, months
    later, whether it is still them.
    """

    def __init__(self, records: Records, every_s: float = 1.0) -> None:
        self._records, self._every_s = records, every_s
        self._days: dict[int, int] = {}

    def add(self, contact_id: int, day: int) -> None:
        """This person called on this day, a number as `people.day_number` gives it."""
        self._days[contact_id] = day

    async def run(self) -> None:
        """Write until cancelled, then write what is left."""
        try:
            while True:
                await asyncio.sleep(self._every_s)
                await one_round("call days", self.flush)
        finally:
            await one_round("call days", self.flush)

    async def flush(self) -> None:
        """Write what waits now. Raises RecordsDown, and then it goes on waiting."""
        while self._days:
            # In one order everywhere, so that two workers never wait for each other.
            batch = sorted(self._days.items())[:_AT_ONCE]
            await self._records.write(partial(_write, batch=batch))
            for contact_id, day in batch:
                if self._days.get(contact_id) == day:
                    del self._days[contact_id]


def _write(db: Connection, batch: Sequence[tuple[int, int]]) -> None:
    _note.run_many(db, batch)
