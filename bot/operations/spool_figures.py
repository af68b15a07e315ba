"""Figures of the spool: what waits on disk for the records; Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.storage.spool import Spool


class SpoolFigures(Collector):
    """How much waits in the spool now."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def collect(self) -> Iterator[Metric]:
        """The figures as Prometheus wants them."""
        size = self._spool.size()
        yield GaugeMetricFamily(
            "isoko_spool_messages", "Callbacks on disk, for the records.", value=size.messages
        )
        yield GaugeMetricFamily("isoko_spool_bytes", "Their size.", value=size.bytes)
