"""Figures of what waits in the records: news, dead letters, payments that people must look at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Connection, func, select

from bot.storage import backups
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import one_round
from bot.storage.schema import hub_events, outbox, payments, subscriptions, tickets

_EVERY_S = 15.0
_FOR_PEOPLE = ("unknown", "flagged")
_TO_PEOPLE = ("sms", "telegram")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits now; news for an operator is the operator's figure, not this one."""

    news_late_s: float
    dead_letters: int
    payments: dict[str, int]
    hub_parked: int
    receivers_off: int
    tickets_late: int
    backup_age_s: float


class Backlog:
    """Reads the records from time to time; each worker may, and all read the same."""

    def __init__(
        self, records: Records, registry: CollectorRegistry, every_s: float = _EVERY_S
    ) -> None:
        self._records, self._every_s = records, every_s
        # What was found last, None before anything was.
        self.found: Waiting | None = None

        def gauge(name: str, words: str, *labels: str) -> Gauge:
            return Gauge(name, words, labels, registry=registry)

        self._down = gauge("isoko_records_down", "1 while the records cannot be read.")
        self._late = gauge("isoko_news_late_seconds", "Since when the oldest message is due.")
        self._dead = gauge("isoko_dead_letters", "News that will not leave by itself.")
        self._payments = gauge("isoko_payments_open", "Payments by state.", "state")
        self._parked = gauge("isoko_hub_events_parked", "Events of the hub that people must see.")
        self._off = gauge("isoko_hub_receivers_disabled", "Webhook receivers that are disabled.")
        self._tickets = gauge("isoko_tickets_late", "Tickets past their date.")
        self._backup = gauge("isoko_backup_age_seconds", "Since the newest backup that is known.")

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await one_round("backlog", self.read)
            await asyncio.sleep(self._every_s)

    async def read(self) -> None:
        """One round. Raises `RecordsDown`, once the figures say so."""
        now = datetime.now(UTC)
        try:
            found = await self._records.read(lambda db: waiting(db, now))
        except RecordsDown:
            self._down.set(1)
            raise
        self._down.set(0)
        self.found = found
        self._late.set(found.news_late_s)
        self._dead.set(found.dead_letters)
        for state in _FOR_PEOPLE:
            self._payments.labels(state).set(found.payments.get(state, 0))
        self._parked.set(found.hub_parked)
        self._off.set(found.receivers_off)
        self._tickets.set(found.tickets_late)
        self._backup.set(found.backup_age_s)


def waiting(db: Connection, now: datetime) -> Waiting:
    """What waits in the records; each count goes over an index of few rows."""
    oldest = min(filter(None, (_oldest_due(db, kind, now) for kind in _TO_PEOPLE)), default=None)
    dead = select(func.count()).where(outbox.c.state == "dead")
    late = select(func.count()).where(tickets.c.state != "closed", tickets.c.due_at < now)
    parked = select(func.count()).where(hub_events.c.state == "parked")
    off = select(func.count()).where(subscriptions.c.state == "disabled")
    by_state = select(payments.c.state, func.count()).where(payments.c.state.in_(_FOR_PEOPLE))
    return Waiting(
        (now - oldest).total_seconds() if oldest else 0.0,
        db.execute(dead).scalar() or 0,
        {row[0]: row[1] for row in db.execute(by_state.group_by(payments.c.state))},
        db.execute(parked).scalar() or 0,
        db.execute(off).scalar() or 0,
        db.execute(late).scalar() or 0,
        backups.age(db, now).total_seconds(),
    )


def _oldest_due(db: Connection, kind: str, now: datetime) -> datetime | None:
    # One kind: the index then has it at its beginning, whatever waits of others.
    due = (outbox.c.state == "waiting") & (outbox.c.kind == kind) & (outbox.c.due_at <= now)
    found: datetime | None = db.execute(select(func.min(outbox.c.due_at)).where(due)).scalar()
    return found
