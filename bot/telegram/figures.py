"""Figures of updates, counted with plain integers; Prometheus reads them when it asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class UpdateFigures(Collector):
    """What came of updates in this process, and what waits in the records."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._ignored: Counter[str] = Counter()
        self.late_s, self.parked = 0.0, 0

    def count(self, outcome: str) -> None:
        """One update more: applied, again, parked, repeat, unprocessable."""
        self._outcomes[outcome] += 1

    def ignore(self, kind: str) -> None:
        """One more of a type that nobody waits for."""
        self._ignored[kind] += 1

    def collect(self) -> Iterator[Metric]:
        """The figures as Prometheus wants them."""
        updates = CounterMetricFamily(
            "isoko_telegram_updates", "Updates of Telegram.", labels=["outcome"]
        )
        for outcome, count in self._outcomes.items():
            updates.add_metric([outcome], count)
        yield updates
        ignored = CounterMetricFamily(
            "isoko_telegram_ignored", "Updates of an ignored type.", labels=["type"]
        )
        for kind, count in self._ignored.items():
            ignored.add_metric([kind], count)
        yield ignored
        yield GaugeMetricFamily(
            "isoko_telegram_late_seconds", "Since when the oldest update waits.", value=self.late_s
        )
        yield GaugeMetricFamily(
            "isoko_telegram_parked", "Updates that cannot be applied.", value=self.parked
        )
