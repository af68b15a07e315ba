"""Wrong PINs on many numbers at once: nobody's own count shows it, so all are counted together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, select

from bot.market.tickets import open_ticket
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import pin_failures

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AlarmRules:
    """So many wrong PINs in so many minutes are an attack; then each source gets so many checks."""

    failures: int = 100
    minutes: int = 10
    checks_per_minute: int = 30


@dataclass(frozen=True, slots=True)
class WrongPin:
    """A new wrong PIN among those of all numbers; `ticket` where it begins a spell."""

    too_many: bool
    ticket: str = ""


class PinAlarm:
    """Raised once for each spell of wrong PINs; while it lasts, sources are slowed down."""

    def __init__(self, rules: AlarmRules) -> None:
        self._rules, self._window = rules, timedelta(minutes=rules.minutes)
        self._each_s = 60 / max(rules.checks_per_minute, 1)
        self._until_s = 0.0
        self._full_at: dict[str, float] = {}
        # For the figures: wrong PINs, spells, and checks not made, since the start.
        self.failures = self.spells = self.throttled = 0

    @property
    def rings(self) -> bool:
        """Whether a spell goes on."""
        return time.monotonic() < self._until_s

    def lets_in(self, source: str) -> bool:
        """Whether a PIN from this source may be checked now; always, unless a spell goes on."""
        now = time.monotonic()
        if now >= self._until_s:
            self._full_at.clear()
            return True
        full_at = max(self._full_at.get(source, now), now)
        if full_at + self._each_s - now > 60:
            self.throttled += 1
            return False
        self._full_at[source] = full_at + self._each_s
        return True

    def weigh(self, db: Connection, now: datetime) -> WrongPin:
        """A wrong PIN was written down: open a ticket when it is one of too many of all numbers.

        What is remembered of it comes with `count`, once this transaction is committed.
        """
        since = pin_failures.c.at > now - self._window
        newest = select(pin_failures.c.id).where(since).order_by(pin_failures.c.at.desc())
        if db.execute(newest.offset(self._rules.failures - 1).limit(1)).first() is None:
            return WrongPin(too_many=False)
        if self.rings:
            return WrongPin(too_many=True)
        # One that is still open is the same ticket: staff are told once, also after a restart.
        one_at_a_time(db, "the ticket of an attack")
        code = open_ticket(
            db, category="pin_attack", msisdn="", contact_id=None, language="en", now=now
        )
        return WrongPin(too_many=True, ticket=code)

    def count(self, wrong: WrongPin) -> None:
        """What `weigh` found is committed: count it, and ring when there are too many."""
        self.failures += 1
        if not wrong.too_many:
            return
        begun, self._until_s = self.rings, time.monotonic() + self._window.total_seconds()
        if begun:
            return
        self.spells += 1
        log.error("many wrong PINs", ticket=wrong.ticket, at_least=self._rules.failures,
                  in_minutes=self._rules.minutes)  # fmt: skip
