"""Asks operators what became of payments, on a schedule and when a callback hints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection

from bot.market import outages, settlement
from bot.market.limits import USUAL, PayoutRules
from bot.market.outages import USUAL_OUTAGE, OutageRules
from bot.market.payments import Payment
from bot.operators import Operators
from bot.payments.collecting import CollectionProvider
from bot.payments.provider import PaymentProvider
from bot.storage.records import Records
from bot.storage.rounds import one_round

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
        payouts: PayoutRules = USUAL,
    ) -> None:
        self._payouts = payouts
        self._records, self._news = records, news
        self._operators = Operators(providers, collectors or {})
        self._poll_s, self._outage = poll_s, outage
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A callback came: ask at once."""
        self._woken.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await one_round("look-up", self.ask_due)
            self._woken.clear()
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def ask_due(self) -> int:
        """Ask about every payment that is due; returns how many."""
        now = datetime.now(UTC)
        due = await self._records.write(
            lambda db: settlement.due_look_ups(db, now, _HOLD_S, _AT_ONCE, outages.down(db))
        )
        await asyncio.gather(*(self._ask(payment) for payment in due))
        if due:
            self._news()
        return len(due)

    async def _ask(self, payment: Payment) -> None:
        if not self._operators.know(payment):
            log.error("no such provider", provider=payment.provider, kind=payment.kind)
            return
        answer = await self._operators.look_up(payment)

        def record(db: Connection) -> None:
            now = datetime.now(UTC)
            settlement.record_answer(db, payment.reference, answer, now, payment, self._payouts)
            outages.note(db, payment, answer, self._outage, now)

        await self._records.write(record)
