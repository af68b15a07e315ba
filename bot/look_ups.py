"""Asks operators what became of payments, on a schedule and when a callback hints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import structlog
from sqlalchemy import Connection

from bot.market import outages, payment_talks, settlement
from bot.market.limits import PayoutRules
from bot.market.lines import line_of
from bot.market.outages import USUAL_OUTAGE, OutageRules
from bot.market.payments import Payment
from bot.operators import Operators
from bot.payments.collecting import CollectionProvider
from bot.payments.provider import PaymentProvider
from bot.storage.records import Records
from bot.storage.rounds import Batches, one_round, together

log = structlog.get_logger(__name__)

_HOLD_S = 30.0
_AT_ONCE = 20


class LookUps:
    """The poller. It races the callback; the first truth wins, the second changes nothing."""

    def __init__(
        self,
        records: Records,
        providers: Mapping[str, PaymentProvider],
        news: Callable[[], None],
        poll_s: float = 1.0,
        collectors: Mapping[str, CollectionProvider] | None = None,
        outage: OutageRules = USUAL_OUTAGE,
        *,
        payouts: PayoutRules,
    ) -> None:
        self._payouts = payouts
        self._records, self._news = records, news
        self._operators = Operators(providers, collectors or {})
        self._poll_s, self._outage = poll_s, outage
        self._woken = asyncio.Event()
        self._batches = Batches("look-up")

    def wake(self) -> None:
        """A callback came: ask at once."""
        self._woken.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while True:
                self._woken.clear()
                await one_round("look-up", self._begin_due)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._woken.wait()
        finally:
            await self._batches.finish(0)

    async def ask_due(self) -> int:
        """Ask about every payment that is due; returns how many."""
        due = await self._due()
        await together(*(self._ask_all(batch) for batch in due.values()))
        return sum(map(len, due.values()))

    async def _begin_due(self) -> None:
        # An operator that is slow to answer holds up nobody's look-ups but its own.
        for line, batch in (await self._due()).items():
            self._batches.begin(line, partial(self._ask_all, batch))

    async def _due(self) -> dict[str, list[Payment]]:
        now, busy = datetime.now(UTC), self._batches.busy
        due: dict[str, list[Payment]] = {}

        def is_due(db: Connection) -> bool:
            return settlement.is_look_up_due(db, now, (*outages.down(db), *busy))

        def take(db: Connection) -> list[Payment]:
            not_via = (*outages.down(db), *busy)
            return settlement.due_look_ups(db, now, _HOLD_S, _AT_ONCE, not_via)

        if not await self._records.read(is_due):
            return due
        for payment in await self._records.write(take):
            due.setdefault(line_of(payment), []).append(payment)
        return due

    async def _ask_all(self, batch: list[Payment]) -> None:
        try:
            await together(*(self._ask(payment) for payment in batch))
            self._news()
        finally:
            # A callback that came meanwhile for this line found it busy.
            self._woken.set()

    async def _ask(self, payment: Payment) -> None:
        if not self._operators.know(payment):
            log.error("no such provider", provider=payment.provider, kind=payment.kind)
            return
        began = datetime.now(UTC)
        answer = await self._operators.look_up(payment)

        def record(db: Connection) -> None:
            now = datetime.now(UTC)
            reference, rules = payment.reference, self._payouts
            settlement.record_answer(db, reference, answer, now, payment, rules=rules)
            payment_talks.keep(db, payment, "look_up", answer, began, now)
            outages.note(db, payment, answer, self._outage, now)

        await self._records.write(record)
