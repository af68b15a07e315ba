"""Asks shops for their orders, beside their messages: what those lost comes all the same.

What was asked for is kept in the same inbox as the messages, so that nothing counts twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.hub.event_types import Unusable, lane_of
from bot.hub.keeping import Keeping
from bot.hub.pull import Hint, Pull, PullFailed
from bot.hub.shop import ShopEvent, UnusableOrder, read_shop_event, unread
from bot.storage import hub_inbox, shop_pulls
from bot.storage.hub_inbox import Arrived
from bot.storage.records import Records
from bot.storage.rounds import one_round
from bot.storage.shop_pulls import Held

log = structlog.get_logger(__name__)

# Asked for again each time: a shop's clock may be behind, and it may show a change late.
OVERLAP = timedelta(minutes=10)
_LOOK_S = 1.0
_TRIES_MAX = 5
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
        # How often in a row each order could not be asked for.
        self._stuck: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        """Ask until cancelled."""
        # Each by itself: one that is slow to answer keeps no other waiting.
        async with asyncio.TaskGroup() as tasks:
            for pull in self._pulls:
                tasks.create_task(self._ask_often(pull))

    async def _ask_often(self, pull: Pull) -> None:
        while True:
            await one_round(f"asking {pull.name}", lambda: self.ask(pull))
            await asyncio.sleep(_LOOK_S)

    async def ask(self, pull: Pull) -> bool:
        """Ask a shop if it is due, for the span that comes next; whether it was asked to the end.

        Raises `RecordsDown`; then the same span is asked for again.
        """
        now = datetime.now(UTC)
        longest_s = max(self._every_s, _REST_MAX_S)
        held = await self._records.write(
            lambda db: shop_pulls.claim(db, pull.name, now, _LEASE_S, longest_s)
        )
        if held is None:
            return False
        end = min(now, held.asked_until + pull.window - OVERLAP)
        try:
            async with asyncio.timeout(_LONGEST_S):
                # It was asked up to then by a clock that may have been set back since.
                await self._take(pull, min(held.asked_until, now) - OVERLAP, end)
        except (PullFailed, TimeoutError) as error:
            await self._failed(held, error)
            return False
        # Far behind, the next span follows at once.
        due_at = now if end < now else now + timedelta(seconds=self._every_s)
        return await self._records.write(lambda db: shop_pulls.asked(db, held, end, due_at))

    async def _take(self, pull: Pull, start: datetime, end: datetime) -> None:
        async for page in pull.changed(start, end):
            for hint in await self._records.read(lambda db: _new(db, pull.name, page)):  # noqa: B023  run before the next turn
                await self._keep(pull, hint)

    async def _keep(self, pull: Pull, hint: Hint) -> None:
        try:
            event = await self._event(pull, hint)
            if not event.kind:
                return
            said = read_shop_event(event)
        except Unusable as why:
            # One that nobody can read must not hold up those after it, nor be forgotten.
            await self._park(pull.name, hint, why)
            return
        again = hint.event_id == hint.again
        event_id = (hint.event_id if again else event.event_id)[:160]
        lane = lane_of(said, pull.name)
        arrived = Arrived(pull.name, event_id, event.kind, lane, event.body)
        if await self._keeping.keep(arrived) == "kept":
            log.info("order pulled", shop=pull.name, order=event_id)
            self._wake()

    async def _park(self, shop: str, hint: Hint, why: Unusable) -> None:
        order_id = getattr(why, "order_id", "") or hint.order_id
        # Once the shop has changed it, it may be usable: only this state of it is known.
        mark = f"unread:{hint.again}" if hint.again else hint.event_id
        if await self._keeping.park(unread(shop, mark, order_id), str(why)):
            log.warning("pulled order parked", shop=shop, order=order_id, why=str(why))

    async def _event(self, pull: Pull, hint: Hint) -> ShopEvent:
        """What it says. What fails again and again while the shop's list is given is unusable."""
        stuck = pull.name, hint.event_id
        try:
            event = await pull.event(hint)
        except PullFailed as error:
            if error.wait_s:
                raise
            self._stuck[stuck] = self._stuck.get(stuck, 0) + 1
            if self._stuck[stuck] < _TRIES_MAX:
                raise
            del self._stuck[stuck]
            raise UnusableOrder(str(error), hint.order_id) from error
        self._stuck.pop(stuck, None)
        return event

    async def _failed(self, held: Held, error: Exception) -> None:
        why = str(error) or "it took too long"
        wait_s = min(self._every_s * 2.0 ** min(held.failures, 10), _REST_MAX_S)
        due_at = datetime.now(UTC) + timedelta(seconds=max(wait_s, getattr(error, "wait_s", 0.0)))
        log.warning("shop not asked", shop=held.source, failures=held.failures + 1, why=why)
        await self._records.write(lambda db: shop_pulls.failed(db, held, why, due_at))


def _new(db: Connection, shop: str, page: Sequence[Hint]) -> list[Hint]:
    """Those that were never kept, or that mean the same once more after something else."""
    ids = [hint.event_id for hint in page]
    fresh = hub_inbox.not_kept(db, shop, ids)
    back = [hint for hint in page if hint.again and hint.event_id not in fresh]
    turned = hub_inbox.turned(db, shop, [hint.event_id for hint in back]) if back else set()
    again = {hint.again: hint for hint in back if hint.event_id in turned}
    left = hub_inbox.not_kept(db, shop, list(again)) if again else set()
    new = [hint for hint in page if hint.event_id in fresh]
    return new + [replace(hint, event_id=one) for one, hint in again.items() if one in left]
