"""Calls that are given up at random over a slow line: no answer may ever belong to another.

`python -m tests.cancel_storm` runs 20,000 against each store, and then the same against a client
that is known to be bad (redis 4.5.1, CVE-2023-28858): if the storm does not catch that one, it
proves nothing. Part of `make chaos`.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Awaitable
from functools import partial
from pathlib import Path

from sqlalchemy import text

from bot.storage.postgres import PostgresRecords
from bot.storage.sessions.lanes import lanes_to
from tests.giving_up import LATE_S, Count, storm
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.slow_line import Open, slow_line

_BAD_CLIENT = "redis==4.5.1"


async def on_redis(valkey: RealValkey, calls: int, seed: int) -> Count:
    """The storm over our connection to Redis."""
    socket = valkey.url.removeprefix("unix://")
    async with slow_line(partial(asyncio.open_unix_connection, socket), seed, LATE_S) as line:
        lanes = lanes_to(f"redis://127.0.0.1:{line.port}", 10)
        found = await storm(lambda n: lanes.ask("", "ECHO", n), calls, seed, 4 * LATE_S)
        await lanes.close()
    return found


async def on_postgres(postgres: RealPostgres, calls: int, seed: int) -> Count:
    """The storm over our connections to PostgreSQL; reads and transactions in turn."""
    open_there: Open = partial(asyncio.open_connection, "127.0.0.1", postgres.port)
    name = postgres.new_database().rpartition("/")[2]
    async with slow_line(open_there, seed, LATE_S) as line:
        records = PostgresRecords(f"postgresql://isoko@127.0.0.1:{line.port}/{name}")

        def ask(number: int) -> Awaitable[object]:
            how = records.read if number % 2 else records.write
            return how(lambda db: db.execute(text(f"SELECT {number}")).scalar())

        found = await storm(ask, calls, seed, 60 * LATE_S)
        await records.close()
    return found


def main() -> None:
    """Run it all and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    valkey = RealValkey()
    try:
        sys.exit(_all(valkey, options.calls, options.seed))
    finally:
        valkey.stop()


def _all(valkey: RealValkey, calls: int, seed: int) -> int:
    postgres = RealPostgres()
    try:
        redis = asyncio.run(on_redis(valkey, calls, seed))
        print(f"Redis: {redis}")
        sql = asyncio.run(on_postgres(postgres, calls, seed))
        print(f"PostgreSQL: {sql}")
    finally:
        postgres.stop()
    caught = _bad_is_caught(calls, seed)
    wrong = redis.of_another + sql.of_another
    print(f"violations: {wrong}; the known bad client is {'' if caught else 'NOT '}caught")
    return int(bool(wrong) or not caught)


def _bad_is_caught(calls: int, seed: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", folder, _BAD_CLIENT], check=True)
        command = [sys.executable, "-m", "tests.bad_client", str(calls), str(seed)]
        there = {"PYTHONPATH": f"{folder}:{Path.cwd()}", "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, env=there, check=False).returncode == 0


if __name__ == "__main__":
    main()
