"""The hub's orders with two workers: whichever one has an event, it counts once and in order."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select

from bot.market import subscriptions
from bot.storage.opening import open_records
from bot.storage.schema import hub_events, hub_orders, offers, orders
from tests.free_port import free_port
from tests.hub.receiver import Receiver, receiving
from tests.hub.sender import event, order, signed
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server_process import ServerProcess
from tests.test_workers import workers_of

ORDERS, PACKS = 60, 40


@pytest.fixture
def database(postgres: RealPostgres) -> str:
    return postgres.new_database()


@pytest.fixture
def server(tmp_path: Path, database: str, valkey: RealValkey) -> Iterator[ServerProcess]:
    """The real command with two workers."""
    process = ServerProcess(
        tmp_path,
        ISOKO_WORKERS="2",
        ISOKO_DATABASE_URL=database,
        ISOKO_REDIS_URL=valkey.url,
        ISOKO_SANDBOX__PORT=str(free_port()),
    )
    yield process
    process.stop()


class Hub:
    """A hub that sends each request on a connection of its own, and again until it is kept."""

    def __init__(self, server: ServerProcess, http: aiohttp.ClientSession) -> None:
        self._url, self._http = f"{server.url}/hub/events", http
        self.lost = 0

    async def says(self, kind: str, data: dict[str, Any], event_id: str) -> None:
        body = event(kind, data)
        for _try in range(200):
            try:
                async with self._http.post(
                    self._url, data=body, headers=signed(body, event_id)
                ) as response:
                    if response.status == 202:
                        return
                    assert response.status == 503, await response.text()
            except (aiohttp.ClientError, TimeoutError):
                # A hub cannot know whether it was kept: it says it again under the same id.
                self.lost += 1
            await asyncio.sleep(0.1)
        raise AssertionError(f"{event_id} was never kept")

    async def orders(self, number: int) -> None:
        """An order, twice at once; every third is cancelled; then the order comes once more."""
        name = f"W-{number}"
        wanted = order(name, PACKS)
        await asyncio.gather(*(self.says("order.created", wanted, f"new-{name}") for _ in "ab"))
        if number % 3 == 0:
            gone = {"order_id": name}
            await asyncio.gather(
                *(self.says("order.cancelled", gone, f"gone-{name}") for _ in "ab")
            )
        await self.says("order.created", wanted, f"again-{name}")


@pytest.mark.timeout(300)
async def test_orders_to_two_workers_count_once_and_in_order_also_when_one_is_killed(
    server: ServerProcess, database: str
) -> None:
    records = await open_records(database, Path())
    alone = aiohttp.TCPConnector(force_close=True, limit=16)
    async with receiving() as receiver, aiohttp.ClientSession(connector=alone) as http:
        now = datetime.now(UTC)
        await records.write(lambda db: subscriptions.subscribe(db, receiver.url, (), now))
        hub = Hub(server, http)
        await asyncio.gather(*(hub.orders(one) for one in range(ORDERS // 2)))
        await _until(lambda: _all_told(receiver, ORDERS // 2))
        _heard_in_order(receiver)

        before = await asyncio.to_thread(workers_of, server)
        assert len(before) == 2
        rest = asyncio.gather(*(hub.orders(one) for one in range(ORDERS // 2, ORDERS)))
        await asyncio.sleep(0.3)
        os.kill(min(before), signal.SIGKILL)
        await rest
        await _until(lambda: _none_waits(records))
        await records.read(_check)
    await records.close()


async def _until(there: Callable[[], Awaitable[bool]]) -> None:
    for _attempt in range(600):
        if await there():
            return
        await asyncio.sleep(0.2)
    raise AssertionError("it never came")


async def _all_told(receiver: Receiver, count: int) -> bool:
    gone, told = len(range(0, count, 3)), Counter(receiver.types)
    return told["order.cancelled"] >= gone and told["order.allocated"] >= count - gone


async def _none_waits(records: Any) -> bool:
    waiting = select(hub_events.c.id).where(hub_events.c.state == "waiting").limit(1)
    return await records.read(lambda db: db.execute(waiting).first()) is None


def _check(db: Any) -> None:
    ended = db.execute(select(hub_events.c.event_id, hub_events.c.state)).all()
    states = dict(tuple(row) for row in ended)
    assert len(states) == 2 * ORDERS + len(range(0, ORDERS, 3))
    assert set(states.values()) <= {"applied", "refused"}
    # Refused is only an order that comes again when it was cancelled.
    assert all(one.startswith("again-") for one, state in states.items() if state == "refused")
    lines = select(hub_orders.c.hub_order_id, hub_orders.c.state, func.count(), orders.c.packs)
    lines = lines.join(orders, orders.c.id == hub_orders.c.order_id)
    lines = lines.group_by(hub_orders.c.hub_order_id, hub_orders.c.state, orders.c.packs)
    for name, state, count, packs in db.execute(lines).all():
        number = int(name.removeprefix("W-"))
        assert (count, packs) == (1, PACKS)
        assert (state == "cancelled") == (number % 3 == 0), (name, state)
    # In the order in which they came, order by order.
    done = select(hub_events.c.lane, hub_events.c.id, hub_events.c.done_at)
    by_lane: dict[str, list[datetime]] = defaultdict(list)
    for lane, _id, done_at in db.execute(done.order_by(hub_events.c.id)).all():
        by_lane[lane].append(done_at)
    assert len(by_lane) == ORDERS
    assert all(moments == sorted(moments) for moments in by_lane.values())
    offered = select(func.sum(offers.c.packs)).where(offers.c.state == "offered")
    per_order = offered.join(hub_orders, hub_orders.c.order_id == offers.c.order_id)
    sums = per_order.group_by(hub_orders.c.order_id)
    assert max(db.execute(sums).scalars()) <= PACKS


def _heard_in_order(receiver: Receiver) -> None:
    """Each order's news once by its id, its cancellation last."""
    heard: dict[str, dict[str, str]] = defaultdict(dict)
    for (headers, _body), said in zip(receiver.came, receiver.said, strict=True):
        if said["data"].get("order_id", "").startswith("W-"):
            heard[said["data"]["order_id"]].setdefault(headers["webhook-id"], said["type"])
    for name, told in heard.items():
        kinds = list(told.values())
        number = int(name.removeprefix("W-"))
        assert kinds.count("order.cancelled") == (number % 3 == 0), (name, kinds)
        first = [kind for kind in kinds if kind not in {"order.refused"}]
        assert first[-1] == "order.cancelled" or number % 3, (name, kinds)
