"""Two processes on one port: each hop may come to either, and they come and go unnoticed."""

import asyncio
import os
import signal
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.free_port import free_port
from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import FARMER
from tests.server_process import ServerProcess


@pytest.fixture
def server(tmp_path: Path, postgres: RealPostgres, valkey: RealValkey) -> Iterator[ServerProcess]:
    """The real command with two workers."""
    process = ServerProcess(
        tmp_path,
        ISOKO_WORKERS="2",
        ISOKO_DATABASE_URL=postgres.new_database(),
        ISOKO_REDIS_URL=valkey.url,
        ISOKO_SANDBOX__PORT=str(free_port()),
        ISOKO_DRAIN_S="0.5",
    )
    yield process
    process.stop()


def workers_of(server: ServerProcess) -> set[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return {
        int(pid) for pid in children if b"sandbox" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    }


class Callers:
    """Calls over kept connections, without end; every hop that fails is kept."""

    def __init__(self, server: ServerProcess, lines: int) -> None:
        self._url = f"http://127.0.0.1:{server.port}/ussd/africastalking"
        self._lines, self._stopped = lines, False
        self.hops, self.failed = 0, list[str]()

    async def __aenter__(self) -> "Callers":
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        self._calls = [asyncio.create_task(self._call(line)) for line in range(self._lines)]
        return self

    async def __aexit__(self, *_raised: object) -> None:
        self._stopped = True
        await asyncio.gather(*self._calls)
        await self._http.close()

    async def _call(self, line: int) -> None:
        number = 0
        while not self._stopped:
            number += 1
            for text, expected in (("", "Kinyarwanda"), ("3", "1 Prices"), ("3*1", "Prices")):
                form = {
                    "sessionId": f"ATUid_{line}_{number}",
                    "phoneNumber": f"+25078310{line:04}",
                    "networkCode": "63510",
                    "serviceCode": "*384*801#",
                    "text": text,
                }
                try:
                    async with self._http.post(self._url, data=form) as response:
                        words = await response.text()
                except aiohttp.ClientError as error:
                    words = repr(error)
                self.hops += 1
                if expected not in words:
                    self.failed.append(f"{text}: {words}")


@pytest.fixture
async def callers(server: ServerProcess) -> AsyncIterator[Callers]:
    async with Callers(server, 8) as calling:
        await asyncio.sleep(1)
        yield calling


async def test_workers_are_replaced_without_a_failed_hop(
    server: ServerProcess, callers: Callers
) -> None:
    before = await asyncio.to_thread(workers_of, server)
    assert len(before) == 2
    os.kill(server.pid, signal.SIGHUP)
    for _attempt in range(200):
        await asyncio.sleep(0.1)
        now = workers_of(server)
        if len(now) == 2 and not now & before:
            break
    assert not workers_of(server) & before
    hops = callers.hops
    for _attempt in range(100):
        await asyncio.sleep(0.1)
        if callers.hops > hops + 50:
            break
    assert callers.hops > hops and not callers.failed, callers.failed[:3]


async def test_O04_U13_a_call_goes_on_when_the_worker_that_had_it_is_killed(
    server: ServerProcess,
) -> None:
    history = ""
    for entry in ("", "2", "1", "1", PIN):
        history = f"{history}*{entry}".strip("*")
        for pid in workers_of(server):
            os.kill(pid, signal.SIGKILL)
        screen = ""
        for _attempt in range(100):
            try:
                screen = await asyncio.to_thread(server.hop, "ATUid_killed", FARMER, history)
                break
            except (OSError, ConnectionError):
                await asyncio.sleep(0.1)
    assert screen.startswith("END Wemeye komande KW-1042")
    assert await asyncio.to_thread(server.hop, "ATUid_killed", FARMER, history) == screen


def counted(server: ServerProcess, name: str) -> float:
    """The sum over the labels of one figure, from whichever worker answers."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return sum(
            sample.value for family in families for sample in family.samples if sample.name == name
        )


async def test_any_worker_tells_the_figures_of_all_and_no_counter_goes_back(
    server: ServerProcess,
) -> None:
    def hop(number: int) -> None:
        assert "Kinyarwanda" in server.hop(f"ATUid_{number}", f"+25078320{number:04}", "")

    for number in range(40):
        await asyncio.to_thread(hop, number)
    # Each request is a connection of its own, so both workers have some and both are asked.
    seen = [0.0]
    while seen[-1] != 40 or len(seen) < 10:
        seen.append(await asyncio.to_thread(counted, server, "isoko_hops_total"))
        await asyncio.sleep(0.1)
    assert seen == sorted(seen)
    assert await asyncio.to_thread(counted, server, "isoko_hop_seconds_count") == 40
    assert await asyncio.to_thread(counted, server, "isoko_workers") == 2
    for how in (signal.SIGKILL, signal.SIGTERM):
        before = workers_of(server)
        os.kill(min(before), how)
        while len(now := workers_of(server)) != 2 or now == before:
            await asyncio.sleep(0.05)
        while await asyncio.to_thread(counted, server, "isoko_workers") != 2:
            await asyncio.sleep(0.05)
        assert await asyncio.to_thread(counted, server, "isoko_hops_total") == 40
    await asyncio.to_thread(hop, 40)
    # Whoever answered it may take two seconds to put it on its sheet.
    while (hops := await asyncio.to_thread(counted, server, "isoko_hops_total")) == 40:
        await asyncio.sleep(0.1)
    assert hops == 41
