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
from bench.pin_flood import FloodTally, PinFlood
from bench.servers import Server, bare_server, cores, our_server

_CONNECTIONS = 64
_CALLERS = 4096
_MENUS_PER_S, _PINS_PER_S = 400, 200


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
    _pin_flood(console, options.flood_seconds, options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000, help="calls a round, six hops each")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server, in turn")
    parser.add_argument("--fault-calls", type=int, default=20_000, help="calls with faults")
    parser.add_argument("--sessions", type=int, default=100_000, help="live sessions for memory")
    parser.add_argument("--flood-seconds", type=float, default=3, help="seconds of a round of PINs")
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


def _pin_flood(console: Console, seconds: float, rounds: int) -> None:
    """Menus beside PIN attempts: as shipped, and with the alarm off, so that all are hashed."""
    table = Table(
        "menu hops", "p50 ms", "p99 ms", "attempts", "hashed", "p99 with PINs to alone, by round",
        title=f"{_MENUS_PER_S} menu hops/s, alone and beside {_PINS_PER_S} PINs/s, in turn",
    )  # fmt: skip
    for name, settings in (("", {}), (", alarm off", {"ISOKO_PIN__ALARM_FAILURES": "1000000"})):
        with tempfile.TemporaryDirectory() as folder:
            ours = our_server(Path(folder), _CALLERS, **settings)
            try:
                # The first call of a day writes the day down: that is not what is compared.
                _flood(ours, 6, 0, 0)
                pairs = [
                    (_flood(ours, seconds, 0, n), _flood(ours, seconds, _PINS_PER_S, n))
                    for n in range(rounds)
                ]
            finally:
                ours.stop()
        _flood_rows(table, name, pairs)
    console.print(table)


def _flood(ours: Server, seconds: float, pins_per_s: int, number: int) -> FloodTally:
    first = int(number * pins_per_s * seconds)
    return asyncio.run(PinFlood(ours.port, seconds, _MENUS_PER_S, pins_per_s, first).run())


def _flood_rows(table: Table, name: str, pairs: list[tuple[FloodTally, FloodTally]]) -> None:
    ratios = [flooded.at_ms(0.99) / alone.at_ms(0.99) for alone, flooded in pairs]
    words = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    for kind, found, said in (
        ("alone", [alone for alone, _flooded in pairs], ""),
        ("with PINs", [flooded for _alone, flooded in pairs], words),
    ):
        table.add_row(
            kind + name,
            f"{statistics.median(one.at_ms(0.5) for one in found):.2f}",
            f"{statistics.median(one.at_ms(0.99) for one in found):.2f}",
            f"{sum(one.attempts for one in found):,}",
            f"{sum(one.checked for one in found):,}",
            said,
        )


if __name__ == "__main__":
    main()
