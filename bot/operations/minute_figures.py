"""Keeps this process's figures of each minute in the records, for the health page.

It reads what every hop counts anyway, so no hop does anything for it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from bot.operations.backlog import Waiting
from bot.operations.figures import HopFigures
from bot.operations.wrong_secrets import WrongSecrets
from bot.storage import minutes
from bot.storage.minutes import Minute
from bot.storage.records import Records
from bot.storage.rounds import one_round

_EVERY_S, _LOOK_S = 10.0, 1.0
KEPT_MINUTES = 8 * 24 * 60
# Ends of calls are counted too, in no time at all: they are no answers, and would look fast.
_ANSWERS = frozenset({"new", "repeat", "shed"})


class MinuteFigures:
    """Writes a row a minute, brought up to date every ten seconds while hops come."""

    def __init__(
        self,
        records: Records,
        hops: HopFigures,
        faults: Callable[[], int],
        waiting: Callable[[], Waiting | None],
        clock: Callable[[], float] = time.time,
        wrong_secrets: WrongSecrets | None = None,
    ) -> None:
        self._wrong_secrets = wrong_secrets or WrongSecrets()
        self._records, self._hops, self._faults = records, hops, faults
        self._waiting, self._clock = waiting, clock
        self._worker = secrets.token_hex(8)
        self._begun = self._so_far()
        self._minute = self._now()
        self._lag_s = 0.0
        self._kept: Minute | None = None

    async def run(self) -> None:
        """Keep figures until cancelled."""
        while True:
            await self._rest()
            await one_round("minutes", self.keep)

    async def keep(self) -> None:
        """Write the minute as it stands. Raises `RecordsDown`: the next round has it all again."""
        guessed = self._wrong_secrets.counts.copy()
        ours = self._as_it_stands()
        if self._kept is None or ours != self._kept:
            await self._records.write(partial(minutes.keep, worker=self._worker, minute=ours))
            self._kept = ours
        if (now := self._now()) != self._minute:
            self._begun, self._minute, self._lag_s = self._so_far(), now, 0.0
            self._wrong_secrets.written(guessed)
            old = now - KEPT_MINUTES
            await self._records.write(partial(minutes.forget_before, minute=old))

    async def _rest(self) -> None:
        until = time.monotonic() + _EVERY_S
        while (before := time.monotonic()) < until and self._now() == self._minute:
            await asyncio.sleep(_LOOK_S)
            self._lag_s = max(self._lag_s, time.monotonic() - before - _LOOK_S)

    def _as_it_stands(self) -> Minute:
        (kinds, times, faults), (kinds_0, times_0, faults_0) = self._so_far(), self._begun
        ours = Minute(self._minute, kinds - kinds_0)
        ours.times = [now - before for now, before in zip(times, times_0, strict=True)]
        ours.times[0] -= sum(n for kind, n in ours.kinds.items() if kind not in _ANSWERS)
        # No hops, and so in none of the steps.
        ours.kinds += self._wrong_secrets.counts
        ours.faults, ours.lag_ms = faults - faults_0, int(self._lag_s * 100) * 10
        if (waiting := self._waiting()) is not None:
            ours.late_s, ours.dead = int(waiting.news_late_s), waiting.dead_letters
            ours.unknown = waiting.payments.get("unknown", 0)
            ours.flagged = waiting.payments.get("flagged", 0)
        return ours

    def _so_far(self) -> tuple[Counter[str], list[int], int]:
        return (*self._hops.so_far(), self._faults())

    def _now(self) -> int:
        return int(self._clock() // 60)
