"""`make bench`: hops per second and CPU a hop, ours beside a bare aiohttp handler."""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.calls import Faults, Load, Tally
from bench.servers import Server, bare_server, cores, our_server

_CONNECTIONS = 64
_CALLERS = 4096


def main() -> None:
    """Run the benchmark and print its tables."""
    options = _options()
    console = Console()
    if cores() > 1:
        os.sched_setaffinity(0, set(range(1, cores())))
    else:
        console.print("one core only: server and load share it, so read the ratio with care")
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = our_server(Path(folder), _CALLERS), bare_server()
        try:
            _speed(console, ours, bare, options.calls, options.rounds)
            _faults(console, ours, options.fault_calls)
            _memory(console, ours, options.sessions)
        finally:
            ours.stop()
            bare.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000, help="calls a round, six hops each")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server, in turn")
    parser.add_argument("--fault-calls", type=int, default=20_000, help="calls with faults")
    parser.add_argument("--sessions", type=int, default=100_000, help="live sessions for memory")
    return parser.parse_args()


def _speed(console: Console, ours: Server, bare: Server, calls: int, rounds: int) -> None:
    _round(ours, 500, 1, check=True), _round(bare, 500, 1, check=False)
    found: dict[str, list[tuple[float, Tally]]] = {"ours": [], "bare": []}
    for number in range(rounds):
        found["bare"].append(_round(bare, calls, 10 + number, check=False))
        found["ours"].append(_round(ours, calls, 10 + number, check=True))
    table = Table(
        "server", "CPU us/hop", "hops/s", "p50 ms", "p99 ms", "wrong",
        title=f"{rounds} rounds of {calls} calls, 6 hops each, {_CONNECTIONS} connections",
    )  # fmt: skip
    for name, results in found.items():
        table.add_row(name, *_row(results))
    console.print(table)
    pairs = [o[0] / b[0] for o, b in zip(found["ours"], found["bare"], strict=True)]
    speeds = [
        (o[1].hops / o[1].seconds) / (b[1].hops / b[1].seconds)
        for o, b in zip(found["ours"], found["bare"], strict=True)
    ]
    console.print(
        f"CPU a hop, ours to bare: {statistics.median(pairs):.2f} "
        f"({min(pairs):.2f} to {max(pairs):.2f}); hops/s: {statistics.median(speeds):.2f}"
    )


def _row(results: list[tuple[float, Tally]]) -> list[str]:
    times = sorted(second for _cpu, tally in results for second in tally.times_s)
    return [
        f"{statistics.median(cpu for cpu, _tally in results):.1f}",
        f"{statistics.median(t.hops / t.seconds for _cpu, t in results):,.0f}",
        f"{times[len(times) // 2] * 1000:.2f}",
        f"{times[int(len(times) * 0.99)] * 1000:.2f}",
        str(sum(tally.wrong for _cpu, tally in results)),
    ]


def _round(server: Server, calls: int, seed: int, *, check: bool) -> tuple[float, Tally]:
    """CPU microseconds a hop, and what was found."""
    before = server.cpu_s
    load = Load(server.port, calls, _CALLERS, Faults(), seed, check)
    tally = asyncio.run(load.run(_CONNECTIONS))
    return (server.cpu_s - before) / tally.hops * 1e6, tally


def _faults(console: Console, ours: Server, calls: int) -> None:
    load = Load(ours.port, calls, _CALLERS, Faults(0.05, 0.05, 0.02), 99, check=True)
    tally = asyncio.run(load.run(_CONNECTIONS))
    console.print(
        f"{calls:,} calls with faults: {tally.duplicates:,} duplicates, {tally.drops:,} drops, "
        f"{tally.late:,} late repeats: wrong replies {tally.wrong}"
    )
    for example in tally.examples:
        console.print(f"  {example}")


def _memory(console: Console, ours: Server, sessions: int) -> None:
    before = ours.memory_mb
    load = Load(ours.port, sessions, sessions, Faults(), 7, check=False)
    asyncio.run(load.run(_CONNECTIONS))
    console.print(f"{sessions:,} live sessions: {ours.memory_mb - before:.0f} MB more")


if __name__ == "__main__":
    main()
