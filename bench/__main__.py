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

from bench.calls import Faults, Load
from bench.flash import measure_flash
from bench.pin_flood import FloodTally, PinFlood
from bench.servers import Server, bare_server, cores, our_server
from bench.speed import CALLERS, CONNECTIONS, compare
from bench.updates import measure_updates
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey

_CORES_FOR_TWO = 4
_MENUS_PER_S, _PINS_PER_S = 400, 200


def main() -> None:
    """Run the benchmark and print its tables."""
    options = _options()
    console = Console()
    if cores() > 1:
        os.sched_setaffinity(0, set(range(cores() // 2, cores())))
    else:
        console.print("one core only: server and load share it, so read the ratio with care")
    bare = bare_server()
    try:
        _embedded(console, bare, options)
        _with_stores(console, bare, options)
    finally:
        bare.stop()
    _pin_flood(console, options.flood_seconds, options.rounds)
    measure_updates(console, options.rounds)
    measure_flash(console)


def _embedded(console: Console, bare: Server, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours = our_server(Path(folder), CALLERS)
        try:
            compare(console, {"ours, embedded": ours}, bare, options.calls, options.rounds)
            _faults(console, ours, options.fault_calls)
            _memory(console, ours, options.sessions)
        finally:
            ours.stop()


def _with_stores(console: Console, bare: Server, options: argparse.Namespace) -> None:
    """The same with sessions in Redis and records in PostgreSQL, both real; the stores' own CPU
    is not counted. Several workers want a core each."""
    redis, postgres = RealValkey(), RealPostgres()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        stores = {"database_url": postgres.new_database(), "redis_url": redis.url}
        servers = {"ours, Redis and PostgreSQL": our_server(Path(one), CALLERS, **stores)}
        try:
            if cores() >= _CORES_FOR_TWO:
                stores["database_url"] = postgres.new_database()
                two = our_server(Path(many), CALLERS, **stores, ISOKO_WORKERS="2")
                servers["the same, 2 workers"] = two
            else:
                console.print(
                    f"2 workers beside the load and the stores want {_CORES_FOR_TWO} cores; "
                    f"here are {cores()}, so they are not measured"
                )
            compare(console, servers, bare, options.calls, options.rounds)
        finally:
            for server in servers.values():
                server.stop()
            postgres.stop()
            redis.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000, help="calls a round, six hops each")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server, in turn")
    parser.add_argument("--fault-calls", type=int, default=20_000, help="calls with faults")
    parser.add_argument("--sessions", type=int, default=100_000, help="live sessions for memory")
    parser.add_argument("--flood-seconds", type=float, default=3, help="seconds of a round of PINs")
    return parser.parse_args()


def _faults(console: Console, ours: Server, calls: int) -> None:
    load = Load(ours.port, calls, CALLERS, Faults(0.05, 0.05, 0.02), 99, check=True)
    tally = asyncio.run(load.run(CONNECTIONS))
    console.print(
        f"{calls:,} calls with faults: {tally.duplicates:,} duplicates, {tally.drops:,} drops, "
        f"{tally.late:,} late repeats: wrong replies {tally.wrong}"
    )
    for example in tally.examples:
        console.print(f"  {example}")


def _memory(console: Console, ours: Server, sessions: int) -> None:
    before = ours.memory_mb
    load = Load(ours.port, sessions, sessions, Faults(), 7, check=False)
    asyncio.run(load.run(CONNECTIONS))
    console.print(f"{sessions:,} live sessions: {ours.memory_mb - before:.0f} MB more")


def _pin_flood(console: Console, seconds: float, rounds: int) -> None:
    """Menus beside PIN attempts: as shipped, and with the alarm off, so that all are hashed."""
    table = Table(
        "menu hops", "p50 ms", "p99 ms", "attempts", "hashed", "p99 with PINs to alone, by round",
        title=f"{_MENUS_PER_S} menu hops/s, alone and beside {_PINS_PER_S} PINs/s, in turn",
    )  # fmt: skip
    for name, settings in (("", {}), (", alarm off", {"ISOKO_PIN__ALARM_FAILURES": "1000000"})):
        with tempfile.TemporaryDirectory() as folder:
            ours = our_server(Path(folder), CALLERS, **settings)
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
