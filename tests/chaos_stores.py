"""`python -m tests.chaos_stores`: two workers, Redis and PostgreSQL, and any of them dying.

Farmers accept an order each, some at a time, while faults are drawn from a seed: kill -9 of a
worker or of all, a worker or Redis that stands still, restarts of Redis and PostgreSQL, FLUSHALL,
cut lines, a full Redis, a full disk of PostgreSQL. A gateway sends a hop again until it is answered; whoever gets
an apology dials again. Then the records are looked at: nothing lost, nothing doubled, nobody ever
saw the order of somebody else. Part of `make chaos`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
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
from tests.patient_farmers import Farmers, World, msisdn_of
from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server_process import ServerProcess
from tests.slow_line import slow_line
from tests.small_disk import NoDisk, SmallDisk
from tests.store_faults import Faults

_AT_ONCE = 10
_PACKS = 10
# Six thousand farmers and their orders, and what is written ahead, take a third of it.
_DISK_MB = 400
_PARTS = (Part("transport", "x", 2_000),)


def main() -> None:
    """Run so many faults, and check what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}: {options.faults} faults under {_AT_ONCE} calls at once")
    sys.exit(asyncio.run(_run(options.faults, random.Random(options.seed))))


async def _run(faults: int, draw: random.Random) -> int:
    disk = _disk()
    valkey, postgres = RealValkey(), RealPostgres(disk)
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
                world = World(valkey, postgres, server, [line], disk)
                try:
                    await _calls_and_faults(world, farmers, faults, draw)
                finally:
                    await asyncio.to_thread(server.stop)
        return await _check(world, url)
    finally:
        postgres.stop()
        valkey.stop()
        if disk is not None:
            disk.stop()


def _disk() -> SmallDisk | None:
    try:
        return SmallDisk(_DISK_MB)
    except NoDisk as why:
        print(f"the fault of a full disk is left out: {why}", flush=True)
        return None


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
                db, msisdn=msisdn_of(number), names="Farmer", district="Gakenke", language="en",
                role="farmer", crop="coffee", pin_hash=pin_hash, channel="chaos", now=now,
            )  # fmt: skip
            make_offer(db, order_id, contact.id, _PACKS, soon, "*384*801#", now, "Africa/Kigali")

    for first in range(0, farmers, 100):
        some = range(first, min(first + 100, farmers))
        await records.write(partial(write, numbers=some))
    await records.close()


async def _check(world: World, url: str) -> int:
    records = await open_records(url, Path())

    def look(db: Connection) -> dict[str, bool]:
        query = select(contacts.c.msisdn, offers.c.state).join_from(offers, contacts)
        states = {row.msisdn: row.state for row in db.execute(query)}
        accepted = {n for n in range(len(states)) if states.get(msisdn_of(n)) == "accepted"}
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
