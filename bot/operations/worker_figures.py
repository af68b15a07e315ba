"""Figures of several workers: each keeps a sheet of its own, and whoever is asked adds them up.

What is shown stands on a sheet first, and the sheet of a worker that has ended goes into the sheet
of those that are gone. So no counter goes back, whichever worker answers and however one ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

_EVERY_S = 2.0
_GONE = "gone"
# Each worker has its own share of these. Every other gauge is about what all look at together, such
# as an operator out of order: one worker that has seen it is enough.
_SHARED_OUT = frozenset(
    {
        "isoko_hops_in_flight",
        "isoko_workers",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
    }
)


class _Sample(msgspec.Struct, array_like=True):
    name: str
    labels: dict[str, str]
    value: float


class _Family(msgspec.Struct, array_like=True):
    name: str
    documentation: str
    kind: str
    samples: list[_Sample]


_Sheet = dict[str, _Family]
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Sheet)


class WorkerFigures(Collector):
    """The figures of all workers whose sheets lie in `folder`; `registry` holds this one's."""

    def __init__(self, folder: Path, registry: CollectorRegistry) -> None:
        self._folder, self._registry = folder, registry
        self._path = folder / str(os.getpid())

    async def run(self) -> None:
        """Keep the sheet up to date until cancelled: what is not on it dies with a kill -9."""
        while True:
            self.keep()
            await asyncio.sleep(_EVERY_S)

    def keep(self) -> None:
        """Write this worker's sheet; a disk that takes nothing is logged, and stops nobody."""
        try:
            _write(self._path, _sheet_of(self._registry.collect()))
        except OSError as error:
            log.warning("the figures are not kept", why=str(error))

    def collect(self) -> Iterator[Metric]:
        """All sheets together."""
        self.keep()
        with _locked(self._folder, fcntl.LOCK_SH):
            sheets = [_read(path) for path in sorted(self._folder.iterdir()) if not path.suffix]
        for family in _together(sheets).values():
            metric = Metric(family.name, family.documentation, family.kind)
            for sample in family.samples:
                metric.add_sample(sample.name, sample.labels, sample.value)
            yield metric


def worker_ended(folder: Path, pid: int) -> None:
    """Keep what the worker `pid` has counted, and forget what its gauges showed."""
    path, gone = folder / str(pid), folder / _GONE
    with _locked(folder, fcntl.LOCK_EX):
        sheets = [_read(one) for one in (gone, path) if one.exists()]
        counted = _together(sheets)
        _write(gone, {n: one for n, one in counted.items() if one.kind != "gauge"})
        path.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Nobody reads while a sheet goes over into another, or it would count twice."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _sheet_of(metrics: Iterable[Metric]) -> _Sheet:
    return {
        metric.name: _Family(
            metric.name,
            metric.documentation,
            metric.type,
            [
                _Sample(sample.name, dict(sample.labels), float(sample.value))
                for sample in metric.samples
                # When one worker began to count says nothing about them all.
                if not sample.name.endswith("_created")
            ],
        )
        for metric in metrics
    }


def _together(sheets: Iterable[_Sheet]) -> _Sheet:
    whole: _Sheet = {}
    values: dict[tuple[str, ...], _Sample] = {}
    for sheet in sheets:
        for name, family in sheet.items():
            into = whole.setdefault(name, _Family(name, family.documentation, family.kind, []))
            adds = family.kind != "gauge" or name in _SHARED_OUT
            for sample in family.samples:
                key = (sample.name, *(part for pair in sample.labels.items() for part in pair))
                known = values.get(key)
                if known is None:
                    values[key] = sample
                    into.samples.append(sample)
                else:
                    both = known.value, sample.value
                    known.value = sum(both) if adds else max(both)
    return whole


def _write(path: Path, sheet: _Sheet) -> None:
    """A reader sees the old sheet or the new one, never half of one."""
    new = path.with_suffix(".new")
    new.write_bytes(_encoder.encode(sheet))
    new.replace(path)


def _read(path: Path) -> _Sheet:
    return _decoder.decode(path.read_bytes())
