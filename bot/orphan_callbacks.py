"""Callbacks that came for nobody: asked about when their payment appears, then told to people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.callbacks import ask_soon
from bot.market.tickets import open_ticket
from bot.payments.provider import PaymentProvider
from bot.storage import orphans
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.orphans import Orphan
from bot.storage.records import Records
from bot.storage.rounds import one_round

log = structlog.get_logger(__name__)

_EVERY_S = 30.0
_FOR = timedelta(hours=24)
# Few at a time, for callers' own writes wait in the same line; somebody may send very many.
_AT_ONCE, _BATCHES = 50, 10


class OrphanCallbacks:
    """Looks again, for a day, for the payment of a callback that came before it.

    No payment is asked for before it is committed here, so this is for records that were behind:
    restored from a backup, or from a replica, and brought up to date later.
    """

    def __init__(
        self,
        records: Records,
        providers: Mapping[str, PaymentProvider],
        ask_now: Callable[[], None],
        every_s: float = _EVERY_S,
    ) -> None:
        self._records, self._providers, self._ask_now = records, providers, ask_now
        self._every_s, self._after_id = every_s, 0

    async def run(self) -> None:
        """Look again, round after round, until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await one_round("orphans", self.sweep)

    async def sweep(self) -> int:
        """One round, which goes on where the last one ended; how many callbacks found theirs."""
        found = 0
        for _batch in range(_BATCHES):
            matched, last_id = await self._records.write(self._match)
            found, self._after_id = found + matched, last_id
            if not last_id:
                break
        if found:
            self._ask_now()
        return found

    def _match(self, db: Connection) -> tuple[int, int]:
        """How many of the next few have a payment now, and the last one's id; 0 at the end."""
        now = datetime.now(UTC)
        some = orphans.waiting(db, self._after_id, _AT_ONCE)
        found = [one for one in some if self._has_a_payment(db, one, now)]
        for one in found:
            orphans.end(db, one, "asked the operator: its payment came later", now)
        ids = {one.id for one in found}
        old = [one for one in some if one.id not in ids and one.received_at < now - _FOR]
        _tell_staff(db, old, now)
        return len(found), some[-1].id if len(some) == _AT_ONCE else 0

    def _has_a_payment(self, db: Connection, one: Orphan, now: datetime) -> bool:
        provider = self._providers.get(one.source)
        if provider is None:
            return False
        # Its headers are not kept, and no operator's hint is in them.
        hint = provider.read_callback({}, one.body)
        return ask_soon(db, one.source, one.token, hint.reference, now)


def _tell_staff(db: Connection, old: list[Orphan], now: datetime) -> None:
    """One open ticket for each operator, however many there are: anybody can send one."""
    for source in sorted({one.source for one in old}):
        one_at_a_time(db, "the ticket of callbacks for nobody")
        code = open_ticket(
            db,
            category="payment_unclear",
            msisdn="",
            contact_id=None,
            about=f"callbacks {source}"[:40],
            language="en",
            now=now,
        )
        log.error("callbacks that no payment came for", provider=source, ticket=code)
    for one in old:
        orphans.end(db, one, orphans.UNMATCHED, now)
