"""Figures of hops, counted with plain integers; Prometheus reads them when it asks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.storage.minutes import BOUNDS_S

# As gateways tell them; whatever else they tell is a network that we do not know.
_NETWORKS = {"63510": "MTN", "63513": "Airtel", "63514": "Airtel"}


class HopFigures(Collector):
    """How many hops of each kind, and how long they took."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._networks: Counter[str] = Counter()
        self._buckets = [0] * (len(BOUNDS_S) + 1)
        self._seconds = 0.0

    def count(self, kind: str, seconds: float) -> None:
        """One hop more. Costs under a microsecond, which the client library's own does not."""
        self._kinds[kind] += 1
        self._buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self._seconds += seconds

    def so_far(self) -> tuple[Counter[str], list[int]]:
        """Hops by kind, and how many fell into each step of time, since the process began."""
        return Counter(self._kinds), list(self._buckets)

    def call(self, network: str) -> None:
        """One call more, from the network with this code."""
        self._networks[_NETWORKS.get(network, "unknown")] += 1

    def collect(self) -> Iterator[Metric]:
        """The figures as Prometheus wants them."""
        hops = CounterMetricFamily("isoko_hops", "Hops answered.", labels=["kind"])
        for kind, count in self._kinds.items():
            hops.add_metric([kind], count)
        yield hops
        calls = CounterMetricFamily("isoko_calls", "Calls begun.", labels=["network"])
        for network, count in self._networks.items():
            calls.add_metric([network], count)
        yield calls
        times = HistogramMetricFamily("isoko_hop_seconds", "Time to answer a hop.")
        total, buckets = 0, []
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), self._buckets, strict=True):
            total += count
            buckets.append((bound, float(total)))
        times.add_metric([], buckets, self._seconds)
        yield times
