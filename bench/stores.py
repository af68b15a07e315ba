"""`python -m bench.stores`: what a hop costs in the server, in Redis and in PostgreSQL."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from redis import Redis

from bench.calls import EFFECT_HOPS, Faults, Load
from bench.servers import Server, our_server
from bot.market.pin_hashing import PinHashing
from bot.settings import load_settings
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey

_CALLERS, _CALLS, _CONNECTIONS = 4096, 3000, 64
_PSQL = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), xact_commit FROM pg_stat_database"
_SIZES = "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE relname = '{}'"


class Stores:
    """A server on real stores, and what all of them have used so far."""

    def __init__(self, folder: Path, postgres: RealPostgres, valkey: RealValkey) -> None:
        self._postgres, self._url = postgres, postgres.new_database()
        self.redis = Redis.from_url(valkey.url)
        self._processes = {p.name(): p for p in psutil.Process().children()}
        self.server: Server = our_server(
            folder, _CALLERS, database_url=self._url, redis_url=valkey.url
        )

    def used(self) -> dict[str, float]:
        """CPU in microseconds by part, and what PostgreSQL and Redis have counted."""
        log, commits = self._ask(f"{_PSQL} WHERE datname = current_database()").split("|")
        return {
            "server us": self.server.cpu_s * 1e6,
            "redis us": _cpu_us(self._processes["valkey-server"]),
            "postgres us": _cpu_us(self._processes["postgres"]),
            "log bytes": float(log),
            "transactions": float(commits),
            "redis bytes": float(self.redis.info()["used_memory"]),
            "transcript bytes": float(self._ask(_SIZES.format("transcripts"))),
            "hop-row bytes": float(self._ask(_SIZES.format("hops"))),
        }

    def _ask(self, query: str) -> str:
        return subprocess.run(
            [self._postgres.program("psql"), self._url, "-Atqc", query],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip


def main() -> None:
    """Measure and print."""
    postgres, valkey = RealPostgres(), RealValkey()
    try:
        with tempfile.TemporaryDirectory() as folder:
            stores = Stores(Path(folder), postgres, valkey)
            try:
                _measure(stores)
            finally:
                stores.server.stop()
    finally:
        postgres.stop()
        valkey.stop()
    print(f"{'a PIN':<17} {_hash_ms():9.1f} ms of CPU")


def _measure(stores: Stores) -> None:
    _calls(stores.server, 400, 1)
    before = stores.used()
    _calls(stores.server, _CALLS, 2)
    # Transcripts are written behind the reply.
    time.sleep(3)
    for name, after in stores.used().items():
        a_call = (after - before[name]) / _CALLS
        print(f"{name:<17} {a_call:9.1f} a call {a_call / len(EFFECT_HOPS):9.1f} a hop")


def _calls(server: Server, calls: int, seed: int) -> None:
    load = Load(server.port, calls, _CALLERS, Faults(), seed, check=False)
    asyncio.run(load.run(_CONNECTIONS))


def _cpu_us(process: psutil.Process) -> float:
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times) * 1e6


def _hash_ms() -> float:
    pin = load_settings({}).pin
    hashing = PinHashing("a pepper", pin.memory_kib, pin.passes, pin.lanes, 1, 1)
    began = time.process_time()
    for _one in range(10):
        hashing.hash_now("73914")
    hashing.close()
    return (time.process_time() - began) * 100


if __name__ == "__main__":
    main()
