"""B13, for `make chaos`: a hundred thousand rows taken over a slow link, on either store.

Meanwhile farmers dial and a colleague reads pages: neither they nor the file may stand still.
`EXPORT_ROWS` and `EXPORT_KB_S` make it shorter.
"""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import insert, select

from bot.storage.schema import payments
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_exports import FORMULAS, link_for
from tests.server import Running

ROWS = int(os.environ.get("EXPORT_ROWS", "100000"))
KB_S = float(os.environ.get("EXPORT_KB_S", "500"))
STALL_S, NO_END = 30.0, aiohttp.ClientTimeout(total=None)
# A quarter of a second of the link, so that the server feels how slow it is.
PIECE = int(KB_S * 1000 / 4)


@pytest.fixture
def tmp_path(tmp_path: Path, either_store: str) -> Path:
    """On a file, and once more on PostgreSQL."""
    assert either_store
    return tmp_path


async def test_B13_a_hundred_thousand_rows_on_a_slow_link_stall_nobody(
    server: Running, either_store: str
) -> None:
    await fill(server)
    async with Desk(server) as desk, Desk(server) as colleague:
        await joins(desk, server, "fiona", "finance")
        await joins(colleague, server, "zoe", "supervisor")
        dials, reads = server.phone().dials, lambda: colleague.gets("/dashboard/orders")
        alone = await during(asyncio.sleep(10), dials, reads)
        asked = time.monotonic()
        link = await link_for(desk, "payments", state="failed")
        asked_s = time.monotonic() - asked
        taken: list[tuple[float, bytes]] = []
        meanwhile = await during(take(desk, link, taken), dials, reads)
    came = [at for at, _piece in taken]
    worst_s = max(after - before for before, after in itertools.pairwise(came))
    text = b"".join(piece for _at, piece in taken).decode()
    print(f"{either_store}: {ROWS} rows counted in {asked_s:.1f} s, {len(text) / 1e6:.1f} MB")
    print(f"taken in {came[-1] - came[0]:.0f} s, begun after {came[0]:.2f} s, longest gap", end=" ")
    print(f"{worst_s:.2f} s; a hop {said(alone[0])} before, {said(meanwhile[0])} meanwhile,")
    print(f"a page {said(alone[1])} before, {said(meanwhile[1])} meanwhile")
    is_whole(text)
    assert max(asked_s, came[0], worst_s, *meanwhile[0], *meanwhile[1]) < STALL_S


async def fill(server: Running) -> None:
    """As many failed payments, each for a reason that a spreadsheet would compute."""
    records = server.parts.market.records
    one = select(payments).limit(1)
    row = dict(await records.read(lambda db: db.execute(one).mappings().one()))
    row |= {"state": "failed", "bill_id": None, "refunds_id": None}
    del row["id"]

    def some(start: int) -> list[dict]:
        own = ("reference", "callback_token", "proof_code")
        return [
            row | {name: f"{name[0]}{n}" for name in own} | {"reason": FORMULAS[n % len(FORMULAS)]}
            for n in range(start, min(start + 2_000, ROWS))
        ]

    for start in range(0, ROWS, 2_000):
        await records.write(lambda db, start=start: db.execute(insert(payments), some(start)))


async def take(desk: Desk, link: str, taken: list[tuple[float, bytes]]) -> None:
    """Take the file no faster than the link; each piece with when it came, in seconds."""
    began = time.monotonic()
    async with desk.http.get(desk.base + link, timeout=NO_END) as response:
        assert response.status == 200
        async for piece in response.content.iter_chunked(PIECE):
            taken.append((time.monotonic() - began, piece))
            await asyncio.sleep(len(piece) / KB_S / 1000)


async def during(
    work: Awaitable[None], *deeds: Callable[[], Awaitable[object]]
) -> list[list[float]]:
    """Do these again and again until the work is done; for each, how many seconds they took."""
    took: list[list[float]] = [[] for _deed in deeds]

    async def again(deed: Callable[[], Awaitable[object]], into: list[float]) -> None:
        while True:
            began = time.monotonic()
            await deed()
            into.append(time.monotonic() - began)
            await asyncio.sleep(0.1)

    others = [asyncio.create_task(again(*one)) for one in zip(deeds, took, strict=True)]
    await work
    for task in others:
        task.cancel()
    # One that was refused has failed, and ended: it is not passed over.
    for found in await asyncio.gather(*others, return_exceptions=True):
        assert isinstance(found, asyncio.CancelledError), found
    return took


def said(times_s: list[float]) -> str:
    """The median, the 99th of a hundred and the longest, in milliseconds."""
    times = sorted(1000 * one for one in times_s)
    return f"{times[len(times) // 2]:.0f}/{times[int(len(times) * 0.99)]:.0f}/{times[-1]:.0f} ms"


def is_whole(text: str) -> None:
    """Every row is there, every text in quotes, and no cell is one that would be computed."""
    # So read, what stands without quotes must be a number.
    plain = io.StringIO(text, newline="")
    rows = list(csv.reader(plain, quoting=csv.QUOTE_NONNUMERIC))
    assert len(rows) == ROWS + 1 and {len(row) for row in rows} == {len(rows[0])}
    assert {row[0] for row in rows[1:]} == {f"r{n}" for n in range(ROWS)}
    reasons = {row[rows[0].index("reason")] for row in rows[1:]}
    assert reasons == {f"'{formula}" for formula in FORMULAS[:ROWS]}
    texts = (cell for row in rows for cell in row if isinstance(cell, str))
    assert not any(cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) for cell in texts)
