"""Sheets of several workers, added up: counters for ever, gauges while their worker lives."""

import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import generate_latest

from bot.operations.figures import HopFigures
from bot.operations.worker_figures import WorkerFigures, worker_ended


class Worker:
    """The figures of a process with this number."""

    def __init__(self, folder: Path, pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
        registry = CollectorRegistry()
        self.hops = HopFigures()
        registry.register(self.hops)
        self.faults = Counter("isoko_faults", "Faults.", ["place"], registry=registry)
        self.in_flight = Gauge("isoko_hops_in_flight", "Now.", registry=registry)
        self.alarm = Gauge("isoko_pin_alarm", "Now.", registry=registry)
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: pid)
            self.figures = WorkerFigures(folder, registry)

    def shown(self) -> dict[str, float]:
        lines = generate_latest(self.figures).decode().splitlines()
        found = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _space, value in found}


def test_counters_are_added_up_and_outlive_their_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (Worker(tmp_path, pid, monkeypatch) for pid in (101, 102))
    for worker, hops in ((one, 3), (other, 4)):
        for _hop in range(hops):
            worker.hops.count("new", 0.003)
        worker.faults.labels("home.menu").inc()
        worker.in_flight.set(hops)
        worker.figures.keep()
    one.hops.count("repeat", 9.0)
    one.alarm.set(1)
    seen = one.shown()
    assert seen == other.shown()
    assert seen['isoko_hops_total{kind="new"}'] == 7
    assert seen['isoko_hops_total{kind="repeat"}'] == 1
    assert seen['isoko_faults_total{place="home.menu"}'] == 2
    assert seen['isoko_hop_seconds_bucket{le="0.005"}'] == 7
    assert seen['isoko_hop_seconds_bucket{le="+Inf"}'] == seen["isoko_hop_seconds_count"] == 8
    # Shares are added; what all look at together is not.
    assert seen["isoko_hops_in_flight"] == 7 and seen["isoko_pin_alarm"] == 1
    assert not any("_created" in name for name in seen)

    for _time in range(2):
        worker_ended(tmp_path, 101)
        left = other.shown()
        assert left["isoko_hops_in_flight"] == 4 and left["isoko_pin_alarm"] == 0
        counted = {name for name in seen if "in_flight" not in name and "alarm" not in name}
        assert all(left[name] == seen[name] for name in counted)
    # The next worker may get the number of the one that ended, and adds to what that has counted.
    again = Worker(tmp_path, 101, monkeypatch)
    again.hops.count("new", 0.003)
    assert again.shown()['isoko_hops_total{kind="new"}'] == 8


def test_a_disk_that_takes_nothing_shows_what_was_kept_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(tmp_path, 101, monkeypatch)
    worker.hops.count("new", 0.001)
    before = worker.shown()
    (tmp_path / "101.new").mkdir()
    worker.hops.count("new", 0.001)
    assert worker.shown() == before
    (tmp_path / "101.new").rmdir()
    assert worker.shown()['isoko_hops_total{kind="new"}'] == 2
