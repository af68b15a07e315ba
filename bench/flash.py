"""`python -m bench.flash`: 3,000 signed orders in one second while 500 farmers answer by phone.

The farmers make the same calls twice, spread over the same time: once with no sale, once while the
sale comes in. Afterwards the tables are counted: nothing lost, nothing oversold.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection as Db
from sqlalchemy import func, select

from bench.calls import form
from bench.connection import Connection
from bench.servers import Server, cores, our_server
from bot.settings import load_settings
from bot.storage.opening import open_records
from bot.storage.records import Records
from bot.storage.schema import hub_events, hub_orders, offers, orders
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey

ORDERS, FARMERS = 3000, 500
_SALE_S, _CALLS_S = 1.0, 25.0
_CONNECTIONS = 300
# Home, orders, the first one, accept, the PIN.
_HOPS = ("", "2", "2*1", "2*1*1", "2*1*1*73914")
_READ_S = 0.5
_PATIENCE_S = 120.0
_NAMES = (
    "kept, each answered 202", "lost of those", "without an offer", "oversold",
    "until the 202: p50, p99 ms", "all offered after s", "a hop when quiet: p50, p99 ms",
    "a hop in the sale: p50, p99 ms", "p99 in the sale to quiet",
)  # fmt: skip
_SECRET = load_settings({}).marketplace.secrets[0].get_secret_value()
_KEY = base64.b64decode(_SECRET.removeprefix("whsec_"))


class _Raw(Connection):
    """Sends what is a whole request already."""

    def write(self, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(body)


@dataclass(slots=True)
class Found:
    """What one run showed."""

    kept: int = 0
    keep_s: list[float] = field(default_factory=list)
    quiet_s: list[float] = field(default_factory=list)
    sale_s: list[float] = field(default_factory=list)
    offered_after_s: float = 0.0
    lost: int = 0
    without_offer: int = 0
    oversold: int = 0
    accepted: int = 0

    @property
    def ratio(self) -> float:
        """A farmer's p99 during the sale to the quiet one."""
        return _p99(self.sale_s) / _p99(self.quiet_s)


def measure_flash(console: Console) -> None:
    """Run it on both stores and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        embedded = _on(Path(folder), "")
    redis, postgres = RealValkey(), RealPostgres()
    try:
        with tempfile.TemporaryDirectory() as folder:
            scaled = _on(Path(folder), postgres.new_database(), redis.url)
    finally:
        postgres.stop()
        redis.stop()
    title = f"{ORDERS:,} signed orders in {_SALE_S:g} s, {FARMERS} farmers answering"
    table = Table("flash sale", "embedded", "Redis and PostgreSQL", title=title)
    for name, one, other in zip(_NAMES, _words(embedded), _words(scaled), strict=True):
        table.add_row(name, one, other)
    console.print(table)


def _on(folder: Path, database_url: str, redis_url: str = "") -> Found:
    server = our_server(folder, FARMERS, database_url=database_url, redis_url=redis_url)
    try:
        return asyncio.run(_run(server, folder, database_url))
    finally:
        server.stop()


async def _run(server: Server, folder: Path, database_url: str) -> Found:
    found, records = Found(), await open_records(database_url, folder)
    # Everybody has something to answer in both calls.
    await _sale(server.port, "before", FARMERS, found)
    await _all_offered(records, FARMERS)
    found.quiet_s = await _farmers(server.port, "q")
    await _sale(server.port, "between", FARMERS, found)
    await _all_offered(records, 2 * FARMERS)
    found.kept, found.keep_s = 0, []
    began = time.perf_counter()

    async def offered() -> None:
        await _all_offered(records, 2 * FARMERS + ORDERS)
        found.offered_after_s = time.perf_counter() - began

    _sent, found.sale_s, _done = await asyncio.gather(
        _sale(server.port, "sale", ORDERS, found), _farmers(server.port, "s"), offered()
    )
    await records.read(lambda db: _count(db, found))
    await records.close()
    return found


async def _sale(port: int, name: str, count: int, found: Found) -> None:
    """So many orders, evenly over the second, whether answers come or not."""
    requests = [_signed(f"{name}-{number}") for number in range(count)]
    began = time.perf_counter()

    async def sender(first: int) -> None:
        loop = asyncio.get_running_loop()
        _transport, line = await loop.create_connection(_Raw, "127.0.0.1", port)
        for number in range(first, count, _CONNECTIONS):
            due = began + number / count * _SALE_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answer = await line.post(requests[number])
            found.keep_s.append(time.perf_counter() - due)
            found.kept += b'"kept": true' in answer
        line.drop()

    await asyncio.gather(*(sender(first) for first in range(min(_CONNECTIONS, count))))


async def _farmers(port: int, run: str) -> list[float]:
    """Every farmer calls once and accepts; how long each hop took."""
    took: list[float] = []

    async def farmer(number: int) -> None:
        await asyncio.sleep(number / FARMERS * (_CALLS_S - len(_HOPS) * _READ_S))
        loop = asyncio.get_running_loop()
        _transport, line = await loop.create_connection(Connection, "127.0.0.1", port)
        session, msisdn = f"ATUid_{run}{number:08x}", f"25078{1_000_000 + number}"
        for history in _HOPS:
            started = time.perf_counter()
            await line.post(form(session, msisdn, history))
            # The hash of a PIN is meant to cost: it would hide what the sale costs.
            if "73914" not in history:
                took.append(time.perf_counter() - started)
            await asyncio.sleep(_READ_S)
        line.drop()

    await asyncio.gather(*(farmer(number) for number in range(FARMERS)))
    return took


async def _all_offered(records: Records, wanted: int) -> None:
    query = select(func.count(func.distinct(offers.c.order_id)))
    give_up = time.perf_counter() + _PATIENCE_S
    while time.perf_counter() < give_up:
        if (await records.read(lambda db: db.execute(query).scalar()) or 0) >= wanted:
            return
        await asyncio.sleep(0.25)


def _count(db: Db, found: Found) -> None:
    sales = hub_events.c.lane.like("hub:sale-%")
    stored = db.execute(select(func.count()).where(sales)).scalar() or 0
    taken = db.execute(
        select(func.count()).select_from(hub_orders).where(hub_orders.c.hub_order_id.like("sale-%"))
    ).scalar()
    found.lost = max(found.kept - stored, found.kept - (taken or 0))
    has_offer = select(offers.c.order_id)
    bare = select(func.count()).select_from(orders).where(orders.c.id.not_in(has_offer))
    found.without_offer = db.execute(bare).scalar() or 0
    accepted = func.coalesce(func.sum(offers.c.packs_accepted), 0)
    sums = (
        select(orders.c.packs, orders.c.packs_accepted, accepted)
        .outerjoin(offers, offers.c.order_id == orders.c.id)
        .group_by(orders.c.id)
    )
    for packs, said, parts in db.execute(sums):
        found.oversold += parts > packs or said != parts
        found.accepted += parts


def _signed(order_id: str) -> bytes:
    line = {"product": "COF-ROAST", "pack_g": 500, "qty": 1, "unit_price": "12000"}
    data = {"order_id": order_id, "currency": "RWF", "lines": [line]}
    event = {"type": "order.created", "timestamp": "2026-11-25T10:00:00Z", "data": data}
    body = json.dumps(event).encode()
    moment = int(time.time())
    signed = f"msg_{order_id}.{moment}.".encode() + body
    mark = base64.b64encode(hmac.digest(_KEY, signed, hashlib.sha256)).decode()
    return (
        f"POST /hub/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"webhook-id: msg_{order_id}\r\nwebhook-timestamp: {moment}\r\n"
        f"webhook-signature: v1,{mark}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _words(found: Found) -> tuple[str, ...]:
    counts = found.kept, found.lost, found.without_offer, found.oversold
    return (
        *map(str, counts), _two(found.keep_s), f"{found.offered_after_s:.1f}",
        _two(found.quiet_s), _two(found.sale_s), f"{found.ratio:.2f}",
    )  # fmt: skip


def _two(times_s: list[float]) -> str:
    ordered = sorted(times_s)
    return f"{ordered[len(ordered) // 2] * 1000:.1f}, {_p99(times_s) * 1000:.1f}"


def _p99(times_s: list[float]) -> float:
    return sorted(times_s)[int(len(times_s) * 0.99)]


if __name__ == "__main__":
    if cores() > 1:
        os.sched_setaffinity(0, set(range(cores() // 2, cores())))
    measure_flash(Console())
