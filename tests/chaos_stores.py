"""`python -m tests.chaos_stores`: two workers, Redis and PostgreSQL, and any of them dying.

Farmers accept an order each, some at a time, while faults are drawn from a seed: kill -9 of a
worker or of all, a worker, Redis or a backend of PostgreSQL that stands still, restarts of Redis
and PostgreSQL, FLUSHALL, cut lines. A gateway sends a hop again until it is answered; whoever gets
an apology dials again. Then the records are looked at: nothing lost, nothing doubled, nobody ever
saw the order of somebody else. Part of `make chaos`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import aiohttp
from sqlalchemy import Connection, select

from bot.i18n import load_catalogues
from bot.market import people
from bot.market.orders import NewOrder, create_order, make_offer
from bot.market.pin_hashing import PinHashing
from bot.market.share import Line as Part
from bot.storage.opening import open_records, upgrade
from bot.storage.schema import contacts, offers
from tests import invariants
from tests.free_port import free_port
from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server_process import ServerProcess
from tests.slow_line import Line, slow_line

_AT_ONCE = 10
_PACKS = 10
_PARTS = (Part("transport", "x", 2_000),)
_DIALS_MAX, _SENDS_MAX = 12, 200
_CODE = re.compile(r"KW-\d+")


@dataclass(slots=True)
class World:
    """What runs, and what was seen."""

    valkey: RealValkey
    postgres: RealPostgres
    server: ServerProcess
    lines: list[Line]
    told: set[int] = field(default_factory=set)
    found_accepted: set[int] = field(default_factory=set)
    # Who gave up, with what was read last.
    unserved: dict[int, str] = field(default_factory=dict)
    last: dict[int, str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    worst_s: dict[str, float] = field(default_factory=dict)
    of_another: list[str] = field(default_factory=list)
    answered_at: float = 0.0
    hops: int = 0


class Farmers:
    """Farmers who call through a gateway that never gives up."""

    def __init__(self, world: World) -> None:
        self._world, self._next = world, 0
        self.stopped = False

    async def call(self, http: aiohttp.ClientSession, farmers: int) -> None:
        """One line of the gateway: one farmer after the other."""
        while not self.stopped and self._next < farmers:
            number, self._next = self._next, self._next + 1
            for dial in range(_DIALS_MAX):
                if await self._accepts(http, number, f"ATUid_{number}_{dial}"):
                    break
                await asyncio.sleep(0.3)
            else:
                self._world.unserved[number] = self._world.last[number]

    async def _accepts(self, http: aiohttp.ClientSession, number: int, session: str) -> bool:
        history, own = "", f"KW-{number}"
        # A call cut before is offered to be gone on with: 00 leads home from there too.
        card = "2 Orders" not in await self._hop(http, session, number, "")
        steps = [("00", "2 Orders")] if card else []
        for entry, expected in (*steps, ("2", own), ("1", own), ("1", "PIN"), (PIN, "You acc")):
            history = f"{history}*{entry}".strip("*")
            screen = await self._hop(http, session, number, history)
            if entry == "2" and "No new orders" in screen:
                self._world.found_accepted.add(number)
                return True
            if expected not in screen:
                return False
        self._world.told.add(number)
        return True

    async def _hop(
        self, http: aiohttp.ClientSession, session: str, number: int, history: str
    ) -> str:
        form = {"sessionId": session, "phoneNumber": _msisdn(number), "networkCode": "63510",
                "serviceCode": "*384*801#", "text": history}  # fmt: skip
        url = f"{self._world.server.url}/ussd/africastalking"
        for _send in range(_SENDS_MAX):
            try:
                async with http.post(url, data=form) as response:
                    screen = await response.text()
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.1)
                continue
            self._world.hops += 1
            self._world.answered_at = time.monotonic()
            self._world.last[number] = f"{history}: {screen}"
            if set(_CODE.findall(screen)) - {f"KW-{number}"}:
                self._world.of_another.append(f"{number} saw {screen!r}")
            return screen
        return ""


class Faults:
    """Faults drawn one after the other; each waits until calls are answered again."""

    def __init__(self, world: World, draw: random.Random) -> None:
        self._world, self._draw = world, draw
        self._kinds = {
            "kill -9 of a worker": self._kill_worker,
            "kill -9 of all": self._kill_all,
            "a worker stands still": self._stop_worker,
            "Redis stands still": self._stop_redis,
            "Redis restarts empty": self._restart_redis,
            "FLUSHALL": self._flush,
            "PostgreSQL is killed": self._restart_postgres,
            "PostgreSQL ends all connections": self._end_connections,
            "the line to PostgreSQL is cut": self._cut_line,
        }
        # What takes a second to come back is drawn less often.
        self._weights = [6, 2, 3, 3, 3, 4, 1, 3, 5]

    async def one(self) -> None:
        """Strike, and note how long nobody was answered."""
        await asyncio.sleep(self._draw.uniform(0.1, 0.8))
        [name] = self._draw.choices(list(self._kinds), self._weights)
        began = time.monotonic()
        await self._kinds[name]()
        struck = time.monotonic()
        while self._world.answered_at < struck:
            await asyncio.sleep(0.02)
            if time.monotonic() - struck > 60:
                raise RuntimeError(f"nobody is answered any more after: {name}")
        took_s = self._world.answered_at - began
        self._world.faults[name] += 1
        self._world.worst_s[name] = max(self._world.worst_s.get(name, 0.0), took_s)

    async def _kill_worker(self) -> None:
        for pid in self._draw.sample(workers_of(self._world.server), 1):
            os.kill(pid, signal.SIGKILL)

    async def _kill_all(self) -> None:
        workers = workers_of(self._world.server)
        self._world.server.kill()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(self._world.server.start)

    async def _stop_worker(self) -> None:
        await self._stand_still(self._draw.choice(workers_of(self._world.server)))

    async def _stop_redis(self) -> None:
        await self._stand_still(self._world.valkey.pid)

    async def _stand_still(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(self._draw.uniform(0.2, 1.5))
        os.kill(pid, signal.SIGCONT)

    async def _restart_redis(self) -> None:
        await asyncio.to_thread(self._world.valkey.restart)

    async def _flush(self) -> None:
        await (await asyncio.create_subprocess_exec(
            sys.executable, "-c",
            f"import redis; redis.Redis.from_url({self._world.valkey.url!r}).flushall()",
        )).wait()  # fmt: skip

    async def _restart_postgres(self) -> None:
        await asyncio.to_thread(self._world.postgres.restart)

    async def _end_connections(self) -> None:
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'isoko_%'"
        await asyncio.to_thread(self._world.postgres.run_sql, kill)

    async def _cut_line(self) -> None:
        for line in self._world.lines:
            line.cut()


def workers_of(server: ServerProcess) -> list[int]:
    """The processes that answer."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [
        int(pid) for pid in children if b"sandbox" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def main() -> None:
    """Run so many faults, and check what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}: {options.faults} faults under {_AT_ONCE} calls at once")
    sys.exit(asyncio.run(_run(options.faults, random.Random(options.seed))))


async def _run(faults: int, draw: random.Random) -> int:
    valkey, postgres = RealValkey(), RealPostgres()
    farmers = faults * 30
    try:
        url = postgres.new_database()
        print(f"{farmers:,} farmers have an order each …", flush=True)
        await _prepare(url, farmers)
        to = partial(asyncio.open_connection, "127.0.0.1", postgres.port)
        with tempfile.TemporaryDirectory() as folder:
            async with slow_line(to, 1, 0.0) as line:
                behind = url.replace(f":{postgres.port}/", f":{line.port}/")
                server = await asyncio.to_thread(_server, Path(folder), behind, valkey.url)
                world = World(valkey, postgres, server, [line])
                try:
                    await _calls_and_faults(world, farmers, faults, draw)
                finally:
                    await asyncio.to_thread(server.stop)
        return await _check(world, url)
    finally:
        postgres.stop()
        valkey.stop()


def _server(folder: Path, database_url: str, redis_url: str) -> ServerProcess:
    return ServerProcess(
        folder,
        ISOKO_WORKERS="2",
        ISOKO_DATABASE_URL=database_url,
        ISOKO_REDIS_URL=redis_url,
        ISOKO_SANDBOX__PORT=str(free_port()),
    )


async def _calls_and_faults(world: World, farmers: int, faults: int, draw: random.Random) -> None:
    calling, striking = Farmers(world), Faults(world, draw)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        lines = [asyncio.create_task(calling.call(http, farmers)) for _line in range(_AT_ONCE)]
        try:
            for number in range(faults):
                await striking.one()
                if (number + 1) % 20 == 0:
                    print(f"  {number + 1} faults, {len(world.told)} told", flush=True)
        finally:
            calling.stopped = True
            await asyncio.gather(*lines)


async def _prepare(url: str, farmers: int) -> None:
    load_catalogues()
    await upgrade(url, Path())
    records = await open_records(url, Path())
    hashing = PinHashing("demo-pepper", 64, 1, 1, 1, 1)
    pin_hash, now = await hashing.hash(PIN), datetime.now(UTC)
    hashing.close()
    soon = now + timedelta(days=2)

    def write(db: Connection, numbers: range) -> None:
        for number in numbers:
            order = NewOrder(
                f"KW-{number}", "COF-ROAST", _PACKS, 500, 9_000, 11_000, _PARTS, "Ruli", soon
            )
            order_id = create_order(db, order, now)
            contact = people.register(
                db, msisdn=_msisdn(number), names="Farmer", district="Gakenke", language="en",
                role="farmer", crop="coffee", pin_hash=pin_hash, channel="chaos", now=now,
            )  # fmt: skip
            make_offer(db, order_id, contact.id, _PACKS, soon, "*384*801#", now, "Africa/Kigali")

    for first in range(0, farmers, 100):
        some = range(first, min(first + 100, farmers))
        await records.write(partial(write, numbers=some))
    await records.close()


def _msisdn(number: int) -> str:
    return f"+25078{3_000_000 + number}"


async def _check(world: World, url: str) -> int:
    records = await open_records(url, Path())

    def look(db: Connection) -> dict[str, bool]:
        query = select(contacts.c.msisdn, offers.c.state).join_from(offers, contacts)
        states = {row.msisdn: row.state for row in db.execute(query)}
        accepted = {n for n in range(len(states)) if states.get(_msisdn(n)) == "accepted"}
        came = world.told | world.found_accepted
        return {
            "I1 whoever was told has an accepted order": world.told <= accepted,
            "I2 who found it accepted had it accepted": world.found_accepted <= accepted,
            "everyone who called to the end was served": not world.unserved,
            "nobody is accepted who never came to the end": len(accepted - came) <= _AT_ONCE,
            "I8 nobody saw the order of another": not world.of_another,
            **invariants.of_stock(db),
        }

    rules = await records.read(look)
    await records.close()
    for name, count in sorted(world.faults.items()):
        print(f"  {count:4} x {name}; answered again after at most {world.worst_s[name]:.2f} s")
    print(
        f"{world.hops:,} hops; {len(world.told)} told, {len(world.found_accepted)} found their "
        f"order accepted on dialling again; {len(rules)} invariants checked"
    )
    wrong = invariants.violated(rules) + world.of_another[:3] + list(world.unserved.values())[:3]
    print("\n".join(wrong) if wrong else "0 violated")
    return int(bool(wrong))


if __name__ == "__main__":
    main()
