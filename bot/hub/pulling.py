"""Asks shops for their orders, beside their messages: what those lost comes all the same.

What was asked for is kept in the same inbox as the messages, so that nothing counts twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from bot.hub.event_types import Unusable, lane_of, read_event
from bot.hub.keeping import Keeping
from bot.hub.pull import Hint, Pull, PullFailed
from bot.storage import hub_inbox, shop_pulls
from bot.storage.hub_inbox import Arrived
from bot.storage.records import Records
from bot.storage.rounds import one_round
from bot.storage.shop_pulls import Held

log = structlog.get_logger(__name__)

# Asked for again each time: a shop's clock may be behind, and it may show a change late.
OVERLAP = timedelta(minutes=10)
_LOOK_S = 1.0
_LEASE_S, _LONGEST_S = 300.0, 240.0
_REST_MAX_S = 900.0


class Pulling:
    """Any number of processes may do this: a shop is asked by one at a time."""

    def __init__(
        self, records: Records, pulls: Sequence[Pull], every_s: float, wake: Callable[[], None]
    ) -> None:
        self._records, self._pulls = records, tuple(pulls)
        self._every_s, self._wake = every_s, wake
        self._keeping = Keeping(records)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            for pull in self._pulls:
                await one_round(f"asking {pull.name}", lambda p=pull: self.ask(p))  # type: ignore[misc]
            await asyncio.sleep(_LOOK_S)

    async def ask(self, pull: Pull) -> bool:
        """Ask a shop if it is due, for the span that comes next; whether it was asked to the end.

        Raises `RecordsDown`; then the same span is asked for again.
        """
        now = datetime.now(UTC)
        held = await self._records.write(lambda db: shop_pulls.claim(db, pull.name, now, _LEASE_S))
        if held is None:
            return False
        end = min(now, held.asked_until + pull.window - OVERLAP)
        try:
            async with asyncio.timeout(_LONGEST_S):
                await self._take(pull, held.asked_until - OVERLAP, end)
        except (PullFailed, TimeoutError) as error:
            await self._failed(held, error)
            return False
        # Far behind, the next span follows at once.
        due_at = now if end < now else now + timedelta(seconds=self._every_s)
        return await self._records.write(lambda db: shop_pulls.asked(db, held, end, due_at))

    async def _take(self, pull: Pull, start: datetime, end: datetime) -> None:
        async for page in pull.changed(start, end):
            ids = [hint.event_id for hint in page]
            new = await self._records.read(lambda db: hub_inbox.not_kept(db, pull.name, ids))  # noqa: B023  run before the next turn
            for hint in page:
                if hint.event_id in new:
                    await self._keep(pull, hint)

    async def _keep(self, pull: Pull, hint: Hint) -> None:
        try:
            event = await pull.event(hint)
            if not event.kind:
                return
            _kind, said = read_event(event.body)
        except Unusable as why:
            # One that nobody can read must not hold up those after it.
            log.warning("pulled order unusable", shop=pull.name, order=hint.event_id, why=str(why))
            return
        lane = lane_of(said, pull.name)
        arrived = Arrived(pull.name, event.event_id[:160], event.kind, lane, event.body)
        if await self._keeping.keep(arrived) == "kept":
            log.info("order pulled", shop=pull.name, order=event.event_id)
            self._wake()

    async def _failed(self, held: Held, error: Exception) -> None:
        why = str(error) or "it took too long"
        wait_s = min(self._every_s * 2.0 ** min(held.failures, 10), _REST_MAX_S)
        due_at = datetime.now(UTC) + timedelta(seconds=max(wait_s, getattr(error, "wait_s", 0.0)))
        log.warning("shop not asked", shop=held.source, failures=held.failures + 1, why=why)
        await self._records.write(lambda db: shop_pulls.failed(db, held, why, due_at))
