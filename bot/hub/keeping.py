"""Keeps what comes in at once in one transaction: in a flash sale a commit each would cost most."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from bot.storage import hub_inbox
from bot.storage.hub_inbox import Arrived
from bot.storage.records import Records, RecordsDown

# Kept now; known before, with the same words; or another event came under this id before.
Outcome = Literal["kept", "known", "other"]

_TOGETHER_MAX = 256
# More than can be signed and sent here in the time that a hub waits for its answer.
_WAITING_MAX = 10_000


class Keeping:
    """The inbox as doors see it. An answer comes once the event's row is committed."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: list[tuple[Arrived, bool, asyncio.Future[Outcome]]] = []
        self._busy: asyncio.Task[None] | None = None

    async def keep(self, arrived: Arrived, *, ignored: bool = False) -> Outcome:
        """Keep one event. Raises `RecordsDown`, and then it is not known to be kept."""
        if len(self._waiting) >= _WAITING_MAX:
            raise RecordsDown("too many events wait to be kept")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((arrived, ignored, answer))
        if self._busy is None:
            # It starts in the loop's next turn, with all that has come in this one.
            self._busy = loop.create_task(self._keep_all())
        return await answer

    async def _keep_all(self) -> None:
        try:
            while self._waiting:
                lot = self._waiting[:_TOGETHER_MAX]
                self._waiting = self._waiting[_TOGETHER_MAX:]
                await self._keep_lot(lot)
        finally:
            self._busy = None

    async def _keep_lot(self, lot: list[tuple[Arrived, bool, asyncio.Future[Outcome]]]) -> None:
        now = datetime.now(UTC)

        def work(db: Connection) -> list[Outcome]:
            return [_keep(db, arrived, ignored, now) for arrived, ignored, _answer in lot]

        try:
            found = await self._records.write(work)
        except Exception as error:  # whatever it was, each who waits must hear of it
            for _arrived, _ignored, answer in lot:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_arrived, _ignored, answer), outcome in zip(lot, found, strict=True):
            if not answer.done():
                answer.set_result(outcome)


def _keep(db: Connection, arrived: Arrived, ignored: bool, now: datetime) -> Outcome:
    if hub_inbox.keep(db, arrived, now, ignored=ignored):
        return "kept"
    return "known" if hub_inbox.same_as_before(db, arrived) else "other"
