"""Keeps what comes in at once in one transaction: in a flash sale a commit each would cost most."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import structlog
from sqlalchemy import Connection

from bot.storage import hub_inbox
from bot.storage.hub_inbox import Arrived
from bot.storage.records import Records, RecordsDown

log = structlog.get_logger(__name__)

# Kept now; known before, with the same words; or another event came under this id before.
Outcome = Literal["kept", "known", "other"]

_Waiting = tuple[Arrived, bool, asyncio.Future[Outcome]]
_TOGETHER_MAX = 256
# More than can be signed and sent here in the time that a hub waits for its answer.
_WAITING_MAX = 10_000


class Keeping:
    """The inbox as doors see it. An answer comes once the event's row is committed."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: list[_Waiting] = []
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

    async def park(self, arrived: Arrived, why: str) -> bool:
        """Keep what cannot be applied, for people to look at; False when it was before.

        Raises `RecordsDown`.
        """
        now = datetime.now(UTC)
        return await self._records.write(lambda db: hub_inbox.park(db, arrived, why, now))

    async def _keep_all(self) -> None:
        try:
            while self._waiting:
                lot = self._waiting[:_TOGETHER_MAX]
                self._waiting = self._waiting[_TOGETHER_MAX:]
                await self._keep_lot(lot)
        finally:
            self._busy = None

    async def _keep_lot(self, lot: Sequence[_Waiting]) -> None:
        now = datetime.now(UTC)

        def work(db: Connection) -> list[Outcome]:
            new = hub_inbox.keep(db, [one[:2] for one in lot], now)
            return [_outcome(db, arrived, new) for arrived, _ignored, _answer in lot]

        try:
            found = await self._records.write(work)
        except RecordsDown as error:
            _fail(lot, error)
            return
        except Exception as error:  # whatever it was, each who waits must hear of it
            if len(lot) == 1:
                _fail(lot, error)
                return
            log.exception("hub events not kept together")
            # One of them cannot be stored: the others must not pay for it.
            for one in lot:
                await self._keep_lot([one])
            return
        for (_arrived, _ignored, answer), outcome in zip(lot, found, strict=True):
            if not answer.done():
                answer.set_result(outcome)


def _fail(lot: Sequence[_Waiting], error: Exception) -> None:
    for _arrived, _ignored, answer in lot:
        if not answer.done():
            answer.set_exception(error)


def _outcome(db: Connection, arrived: Arrived, new: set[tuple[str, str]]) -> Outcome:
    """What became of one; `new` has those that are not told yet that they are."""
    if (arrived.source, arrived.event_id) in new:
        new.remove((arrived.source, arrived.event_id))
        return "kept"
    return "known" if hub_inbox.same_as_before(db, arrived) else "other"
