"""What comes of the hub's events, beside the door: applied in order, then offered by the rule.

Little at a time: a farmer's hop waits in the same line.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.hub.applying import Applying
from bot.hub.event_types import compared_at
from bot.market import Market, allocation, reviews
from bot.market.allocation import AllocationRules
from bot.storage import hub_inbox
from bot.storage.hub_inbox import Kept
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.records import RecordsDown, TooLong
from bot.storage.rounds import one_round

log = structlog.get_logger(__name__)

_POLL_S = 1.0
_EVENTS_AT_ONCE, _ORDERS_AT_ONCE = 16, 4
# On SQLite it runs on the loop, where every hop waits for it; PostgreSQL cuts off what takes long.
_LOT_S = {"sqlite": 0.003, "postgresql": 1.0}
_TURNS = 8
_AGAIN_FIRST_S = 2.0


class Working:
    """Any number of processes may do this: an event, and an order, is in one hand at a time."""

    def __init__(self, market: Market, rules: AllocationRules, news: Callable[[], None]) -> None:
        self._market, self._rules, self._news = market, rules, news
        self._applying = Applying(market, rules)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something came: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._woken.clear()
            await one_round("hub events", self.apply_all)
            await one_round("allocation", self.allocate_all)
            try:
                async with asyncio.timeout(_POLL_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def apply_all(self) -> None:
        """Apply what waits. Raises `RecordsDown`."""
        while await self._apply_some():
            await _let_pass()

    async def allocate_all(self) -> None:
        """Look at every order that wants it. Raises `RecordsDown`."""
        while await self._allocate_some():
            await _let_pass()

    async def _allocate_some(self) -> bool:
        """Look at a few; whether there is more to look at."""
        records, now = self._market.records, datetime.now(UTC)
        if not await records.read(lambda db: reviews.due(db, now, 1)):
            return False
        try:
            more = await records.write(lambda db: self._allocate(db, now))
        except Exception as fault:  # one of them broke it: find out which, and let the others pass
            if not _is_ours(fault):
                raise
            log.exception("orders not looked at together")
            more = await self._look_one_by_one(now)
        self._news()
        return more

    async def _apply_some(self) -> bool:
        records, now = self._market.records, datetime.now(UTC)
        if not await records.read(lambda db: hub_inbox.is_due(db, now)):
            return False
        try:
            done = await records.write(lambda db: self._apply(db, now, _EVENTS_AT_ONCE))
            if done:
                self._news()
            return done > 0
        except Exception as fault:  # one of them broke it: find out which, and let the others pass
            if not _is_ours(fault):
                raise
            log.exception("hub events not applied together")
        return await self._one_by_one()

    async def _one_by_one(self) -> bool:
        records, now = self._market.records, datetime.now(UTC)
        waiting = await records.write(lambda db: hub_inbox.next_ones(db, now, _EVENTS_AT_ONCE))
        for event in waiting:
            try:
                await records.write(lambda db: self._apply_held(db, event, now))  # noqa: B023  run before the next turn
            except Exception as fault:  # whatever it is, the events after it go on
                if not _is_ours(fault):
                    raise
                log.exception("hub event not applied", row=event.id)
                why = type(fault).__name__
                await records.write(lambda db: _failed(db, event, why))  # noqa: B023  run before the next turn
        return bool(waiting)

    def _apply(self, db: Connection, now: datetime, limit: int) -> int:
        events = hub_inbox.next_ones(db, now, limit)
        if events:
            # Codes are given by counting: two at once would both take the same one.
            one_at_a_time(db, "hub orders")
        began = time.monotonic()
        done = 0
        for event in events:
            self._apply_one(db, event, now)
            done += 1
            if _is_enough(db, began):
                break
        return done

    def _apply_one(self, db: Connection, event: Kept, now: datetime) -> None:
        state, outcome = self._applying.apply(db, event, now)
        if state == "parked":
            hub_inbox.set_aside(db, event.id, outcome, now)
            log.error("hub event parked", row=event.id, why=outcome, see="isoko hub events")
            return
        said_at = compared_at(event.source, event.body)
        hub_inbox.ended(db, event.id, state, outcome, now, said_at)
        if state == "refused":
            log.warning("hub event refused", row=event.id, type=event.type, why=outcome)

    def _apply_held(self, db: Connection, event: Kept, now: datetime) -> None:
        # Another process may have had it since it was looked up.
        if hub_inbox.hold(db, event.id):
            one_at_a_time(db, "hub orders")
            self._apply_one(db, event, now)

    def _allocate(self, db: Connection, now: datetime) -> bool:
        """Look at some orders; whether there is more to look at, of one of them or of others."""
        began = time.monotonic()
        due = reviews.due(db, now, _ORDERS_AT_ONCE)
        more = len(due) == _ORDERS_AT_ONCE
        for order_id in due:
            more |= self._look_at(db, order_id, now) >= allocation.OFFERS_AT_ONCE
            if _is_enough(db, began):
                return more or order_id != due[-1]
        return more

    def _look_at(self, db: Connection, order_id: int, now: datetime) -> int:
        market = self._market
        return allocation.look_at(db, order_id, market.hub, self._rules, now, market.quiet)

    async def _look_one_by_one(self, now: datetime) -> bool:
        records = self._market.records
        due = await records.read(lambda db: reviews.due(db, now, _ORDERS_AT_ONCE))
        for order_id in due:
            try:
                await records.write(lambda db: self._look_at(db, order_id, now))  # noqa: B023  run before the next turn
            except Exception as fault:  # whatever it is, the orders after it go on
                if not _is_ours(fault):
                    raise
                log.exception("order not looked at", order=order_id)
                why = type(fault).__name__
                if await records.write(lambda db: reviews.failed(db, order_id, why, now)):  # noqa: B023  run before the next turn
                    log.error("order parked", order=order_id, see="its ticket")
        return len(due) == _ORDERS_AT_ONCE


async def _let_pass() -> None:
    """Between two lots whoever waits for the loop has it, for as many turns as a hop takes."""
    for _turn in range(_TURNS):
        await asyncio.sleep(0)


def _is_ours(fault: Exception) -> bool:
    """Whether the work broke, and not the records: also what took so long that it was cut off."""
    return not isinstance(fault, RecordsDown) or isinstance(fault, TooLong)


def _is_enough(db: Connection, began: float) -> bool:
    return time.monotonic() - began > _LOT_S[db.dialect.name]


def _failed(db: Connection, event: Kept, why: str) -> None:
    if not hub_inbox.hold(db, event.id):
        return
    now = datetime.now(UTC)
    due_at = now + timedelta(seconds=_AGAIN_FIRST_S * 2.0**event.attempts)
    if hub_inbox.failed(db, event, why, due_at, now):
        log.error("hub event parked", row=event.id, see="isoko hub events")
