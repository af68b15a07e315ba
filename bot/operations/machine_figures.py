"""Figures of this machine: how much of its disk is free, how long its certificates hold."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge

from bot.operations.machine_finds import MachineRules, days_of, free_share
from bot.storage.rounds import one_round

_EVERY_S = 60.0


class MachineFigures:
    """Looks from time to time, not whenever somebody asks: it reads files."""

    def __init__(self, rules: MachineRules, registry: CollectorRegistry) -> None:
        self._rules = rules
        self._free = Gauge(
            "isoko_disk_free_ratio", "Of the data folder's disk, 0 to 1.", registry=registry
        )
        self._days = Gauge(
            "isoko_certificate_days",
            "Days until a certificate of tls.* ends.",
            ["setting"],
            registry=registry,
        )
        # Until it was looked at, nothing is short.
        self._free.set(1)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await one_round("machine", self.read)
            await asyncio.sleep(_EVERY_S)

    async def read(self) -> None:
        """One round. Raises OSError when the data folder cannot be looked at."""
        now = datetime.now(UTC)
        for name, file in self._rules.certificates:
            self._days.labels(name).set(days_of(file, now))
        self._free.set(free_share(self._rules.data_dir))
