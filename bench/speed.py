"""Hops per second and CPU a hop of some servers beside a bare aiohttp handler, in one run."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.calls import Faults, Load, Tally
from bench.servers import Server

CONNECTIONS = 64
CALLERS = 4096


@dataclass(frozen=True, slots=True)
class Round:
    """CPU microseconds a hop, and what was found."""

    cpu_us: float
    tally: Tally

    @property
    def hops_per_s(self) -> float:
        """How many hops were answered in a second."""
        return self.tally.hops / self.tally.seconds


def compare(
    console: Console, servers: dict[str, Server], bare: Server, calls: int, rounds: int
) -> None:
    """Run each server in turn, round after round, and print the table and its ratios."""
    everyone = {"bare aiohttp": bare, **servers}
    found: dict[str, list[Round]] = {name: [] for name in everyone}
    for server in everyone.values():
        run(server, 500, 1, check=server is not bare)
    for number in range(rounds):
        for name, server in everyone.items():
            found[name].append(run(server, calls, 10 + number, check=server is not bare))
    table = Table(
        "server", "CPU us/hop", "to bare", "hops/s", "p50 ms", "p99 ms", "wrong",
        title=f"{rounds} rounds of {calls} calls, 6 hops each, {CONNECTIONS} connections",
    )  # fmt: skip
    for name, results in found.items():
        table.add_row(name, *_row(results, found["bare aiohttp"]))
    console.print(table)


def run(server: Server, calls: int, seed: int, *, check: bool) -> Round:
    """One round of whole calls."""
    before = server.cpu_s
    load = Load(server.port, calls, CALLERS, Faults(), seed, check)
    tally = asyncio.run(load.run(CONNECTIONS))
    return Round((server.cpu_s - before) / tally.hops * 1e6, tally)


def _row(results: list[Round], bare: list[Round]) -> list[str]:
    times = sorted(second for one in results for second in one.tally.times_s)
    ratios = [one.cpu_us / base.cpu_us for one, base in zip(results, bare, strict=True)]
    return [
        f"{statistics.median(one.cpu_us for one in results):.1f}",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{statistics.median(one.hops_per_s for one in results):,.0f}",
        f"{times[len(times) // 2] * 1000:.2f}",
        f"{times[int(len(times) * 0.99)] * 1000:.2f}",
        str(sum(one.tally.wrong for one in results)),
    ]
