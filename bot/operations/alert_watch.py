"""Looks by the rules from time to time; of all workers one at a time does."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import structlog
from sqlalchemy import Connection

from bot.market import ledger, staff_alerts
from bot.market.staff_alerts import Found, Manner
from bot.operations.alert_rules import AlertRules, Heard, Look, looks
from bot.storage import turns
from bot.storage.audit_chain import Patrol
from bot.storage.records import Records
from bot.storage.rounds import one_round

log = structlog.get_logger(__name__)

_EVERY_S = 15.0
# A sum over the whole ledger: seldom.
_LEDGER_EVERY_S = 600.0
_PAUSE_S = 0.005


def _listed(db: Connection, look: Look) -> list[Found]:
    return list(look(db))


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
        self._heard, self._patrol, self._ledger_at_s = Heard(gateways), Patrol(), 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await one_round("alerts", self.look)
            await asyncio.sleep(self._every_s)

    async def look(self) -> bool:
        """One round; False when it is another process's turn. Raises `RecordsDown`."""
        now = datetime.now(UTC)
        # Held for a few rounds, so that another takes over soon after this one has died.
        held_s = self._every_s * 3
        if not await self._records.write(
            lambda db: turns.take(db, "alerts", self._holder, now, held_s)
        ):
            return False
        looked_at, found = await self._found(now)
        changed = await self._records.write(
            lambda db: staff_alerts.note(db, looked_at, found, self._manner, now)
        )
        if changed:
            log.warning("alerts changed", found=[(one.rule, one.about) for one in found])
            self._news()
        return True

    async def _found(self, now: datetime) -> tuple[list[str], list[Found]]:
        """What is wrong now, in many short reads: on SQLite hops have their turn in between."""
        looked_at, found = list[str](), list[Found]()
        await self._records.read(self._heard.read)
        for rule, look in looks(self._rules, self._heard, self._patrol, now):
            found += await self._records.read(partial(_listed, look=look))
            looked_at.append(rule)
            await asyncio.sleep(_PAUSE_S)
        if time.monotonic() >= self._ledger_at_s:
            off = await ledger.off_rwf(self._records)
            found += [Found("ledger_sum", "", off)] if off else []
            looked_at.append("ledger_sum")
            self._ledger_at_s = time.monotonic() + _LEDGER_EVERY_S
        return looked_at, found
