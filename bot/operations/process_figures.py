"""Figures of this process: its memory and files, and the hops it is answering now."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector


def show_process(registry: CollectorRegistry, hops_in_flight: Callable[[], int]) -> None:
    """Register them; `hops_in_flight` is asked only when Prometheus asks."""
    ProcessCollector(registry=registry)
    Gauge("isoko_workers", "Processes that serve.", registry=registry).set(1)
    in_flight = Gauge("isoko_hops_in_flight", "Hops being answered now.", registry=registry)
    in_flight.set_function(lambda: float(hops_in_flight()))
