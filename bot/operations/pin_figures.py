"""Figures of PINs: mistakes, attacks and what was turned away; Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.market.pin_alarm import PinAlarm


class PinFigures(Collector):
    """What the alarm has counted since the start of this process."""

    def __init__(self, alarm: PinAlarm) -> None:
        self._alarm = alarm

    def collect(self) -> Iterator[Metric]:
        """The figures as Prometheus wants them."""
        alarm = self._alarm
        yield CounterMetricFamily("isoko_pin_failures", "Wrong PINs.", value=alarm.failures)
        yield CounterMetricFamily(
            "isoko_pin_spells", "Attacks on many numbers at once.", value=alarm.spells
        )
        yield CounterMetricFamily(
            "isoko_pin_throttled", "PINs not checked during an attack.", value=alarm.throttled
        )
        yield GaugeMetricFamily(
            "isoko_pin_alarm", "1 while an attack goes on.", value=float(alarm.rings)
        )
