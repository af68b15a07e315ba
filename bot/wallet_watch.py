"""Watches operators that are out of order: tells who waits, and asks whether they work again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, Gauge

from bot.market import outages, settlement
from bot.market.limits import USUAL, PayoutRules
from bot.market.lines import collecting_line
from bot.market.outages import USUAL_OUTAGE, OutageRules, Standing
from bot.operators import Operators
from bot.payments.collecting import CollectionProvider
from bot.payments.provider import PaymentProvider
from bot.storage.records import Records
from bot.storage.rounds import one_round

log = structlog.get_logger(__name__)

_POLL_S = 1.0


class WalletWatch:
    """Any number of them may run: an operator is asked by one at a time."""

    def __init__(
        self,
        records: Records,
        providers: Mapping[str, PaymentProvider],
        collectors: Mapping[str, CollectionProvider],
        news: Callable[[], None],
        rules: OutageRules = USUAL_OUTAGE,
        poll_s: float = _POLL_S,
        registry: CollectorRegistry | None = None,
        payouts: PayoutRules = USUAL,
    ) -> None:
        self._records, self._news, self._payouts = records, news, payouts
        self._lines = [*providers, *map(collecting_line, collectors)]
        self._operators = Operators(providers, collectors)
        self._rules, self._poll_s = rules, poll_s
        labels = ["provider"]
        self._down = Gauge(
            "isoko_wallet_down", "1 while this operator is out of order.", labels, registry=registry
        )
        self._waiting = Gauge(
            "isoko_wallet_waiting", "Payments that wait for it.", labels, registry=registry
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await one_round("wallet watch", self.watch)
            await asyncio.sleep(self._poll_s)

    async def watch(self) -> None:
        """One round."""
        now = datetime.now(UTC)
        self._show(await self._records.read(outages.standing))
        if not await self._records.read(outages.down):
            return
        while await self._records.write(lambda db: outages.tell_who_waits(db, now, self._payouts)):
            self._news()
        # They are not asked about now, so no answer tells that they have been unknown for long.
        await self._records.write(lambda db: settlement.ask_staff_of_old(db, now))
        for line in await self._records.write(lambda db: outages.due_probes(db, self._rules, now)):
            await self._probe(line)

    def _show(self, standing: list[Standing]) -> None:
        found = {one.provider: one for one in standing}
        for line in self._lines:
            one = found.get(line)
            self._down.labels(line).set(one is not None and one.state == "down")
            self._waiting.labels(line).set(one.waiting if one is not None else 0)

    async def _probe(self, line: str) -> None:
        answer = await self._operators.probe(line)
        if answer is None:
            log.error("nobody serves this line", provider=line)
            return
        if answer.down:
            log.warning("operator still out of order", provider=line, why=answer.reason)
            return
        log.warning("operator works again", provider=line)
        now = datetime.now(UTC)
        await self._records.write(lambda db: outages.ask_about_unsure(db, line, now))
        await self._records.write(lambda db: outages.works_again(db, line, now))
        self._news()
