"""Watches operators that are out of order: tells who waits, and asks whether they work again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Connection

from bot.market import outages
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
    ) -> None:
        self._records, self._providers, self._news = records, providers, news
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
        while await self._records.write(lambda db: outages.tell_who_waits(db, now)):
            self._news()
        for provider in await self._records.write(
            lambda db: outages.due_probes(db, self._rules, now)
        ):
            await self._probe(provider)

    def _show(self, standing: list[Standing]) -> None:
        found = {one.provider: one for one in standing}
        for provider in self._providers:
            one = found.get(provider)
            self._down.labels(provider).set(one is not None and one.state == "down")
            self._waiting.labels(provider).set(one.waiting if one is not None else 0)

    async def _probe(self, provider: str) -> None:
        """Ask about what waits longest: that it is not there is an answer as good as another."""
        oldest = await self._records.read(lambda db: outages.oldest_waiting(db, provider))
        if oldest is not None and self._operators.know(oldest) and oldest.kind != "refund":
            answer = await self._operators.look_up(oldest)
        else:
            answer = await self._providers[provider].look_up(str(uuid.uuid4()))
        if answer.down:
            log.warning("operator still out of order", provider=provider, why=answer.reason)
            return
        log.warning("operator works again", provider=provider)

        def open_again(db: Connection) -> None:
            outages.works_again(db, provider, datetime.now(UTC))

        await self._records.write(open_again)
        self._news()
