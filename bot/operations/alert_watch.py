"""Looks by the rules from time to time; of all workers one at a time does."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection

from bot.market import staff_alerts
from bot.market.staff_alerts import Manner
from bot.operations.alert_rules import AlertRules, Heard, look
from bot.storage import turns
from bot.storage.records import Records
from bot.storage.rounds import one_round

log = structlog.get_logger(__name__)

_EVERY_S = 15.0
# A sum over the whole ledger: seldom.
_LEDGER_EVERY_S = 600.0


class AlertWatch:
    """Any number of processes may run it. `news` wakes what carries alerts out."""

    def __init__(
        self,
        records: Records,
        gateways: tuple[str, ...],
        rules: AlertRules,
        manner: Manner,
        news: Callable[[], None],
        every_s: float = _EVERY_S,
    ) -> None:
        self._records, self._rules, self._manner, self._news = records, rules, manner, news
        self._every_s, self._holder = every_s, secrets.token_hex(8)
        self._heard, self._ledger_at_s = Heard(gateways), 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await one_round("alerts", self.look)
            await asyncio.sleep(self._every_s)

    async def look(self) -> bool:
        """One round; False when it is another process's turn. Raises `RecordsDown`."""
        now = datetime.now(UTC)
        with_ledger = time.monotonic() >= self._ledger_at_s
        changed = await self._records.write(lambda db: self._round(db, now, with_ledger))
        if changed is None:
            return False
        if with_ledger:
            self._ledger_at_s = time.monotonic() + _LEDGER_EVERY_S
        if changed:
            self._news()
        return True

    def _round(self, db: Connection, now: datetime, with_ledger: bool) -> int | None:
        # Held for a few rounds, so that another takes over soon after this one has died.
        if not turns.take(db, "alerts", self._holder, now, self._every_s * 3):
            return None
        looked_at, found = look(db, self._rules, self._heard, now, with_ledger=with_ledger)
        changed = staff_alerts.note(db, looked_at, found, self._manner, now)
        if changed:
            log.warning("alerts changed", found=[(one.rule, one.about) for one in found])
        return changed
