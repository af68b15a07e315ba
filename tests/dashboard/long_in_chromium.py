"""The long browser checks, for `make chaos`: ten minutes cut off (B3), twenty tabs under load (B14).

`BOARD_CUT_S`, `BOARD_TABS` and `BOARD_S` make them shorter.
"""

from __future__ import annotations

import asyncio
import os
import time

from playwright.async_api import Browser, Page, expect
from sqlalchemy import func, select

from bot.storage.schema import transcripts
from tests.dashboard.desk import demo_link
from tests.dashboard.test_in_chromium import signed_in
from tests.dashboard.test_live_in_chromium import LIVE
from tests.server import Running
from tests.slow_line import slow_line

CUT_S = float(os.environ.get("BOARD_CUT_S", "600"))
TABS = int(os.environ.get("BOARD_TABS", "20"))
LOAD_S = float(os.environ.get("BOARD_S", "20"))
HOPS_PER_S = 200


async def board(browser: Browser, server: Running) -> Page:
    context = await browser.new_context()
    await context.add_init_script(
        """window.blocked = [];
        new PerformanceObserver((list) => blocked.push(...list.getEntries().map((one) => one.duration)))
            .observe({ type: "longtask", buffered: true });"""
    )
    page = (await signed_in(context, server)).page
    await page.goto(str(server.client.make_url("/dashboard/calls")))
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=60_000)
    return page


async def test_B03_ten_minutes_cut_off_and_nothing_is_missed_or_doubled(
    browser: Browser, server: Running
) -> None:
    # A browser that is set offline keeps the streams that it has: this line is really cut.
    up, port, callers = True, server.client.make_url("/").port, 30

    async def to() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not up:
            raise OSError
        return await asyncio.open_connection("127.0.0.1", port)

    async with slow_line(to, 1, 0) as line:
        here = f"http://127.0.0.1:{line.port}"
        page = await (await browser.new_context()).new_page()
        await page.goto(here + await demo_link(server))
        await page.goto(f"{here}/dashboard/calls")
        await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=60_000)
        up = False
        line.cut()
        said = await dials_while_cut(server, callers)
        await expect(page.locator("#fresh")).to_have_text("Offline: this is old")
        await expect(page.locator("#board .call")).to_have_count(0)
        up = True
        await has_all(page, server, callers, said)
        await page.close()


async def dials_while_cut(server: Running, callers: int) -> int:
    """Everybody dials again and again while the line is cut; how many hops that were."""
    until, said = time.monotonic() + CUT_S, 0
    while time.monotonic() < until:
        for number in range(callers):
            await server.phone(f"+2507880100{number:02}").dials()
            said += 1
        await asyncio.sleep(min(5, CUT_S / 5))
    return said


async def has_all(page: Page, server: Running, callers: int, said: int) -> None:
    """The board has caught up: each caller's newest call, once."""
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=60_000)
    await expect(page.locator("#board .call")).to_have_count(callers, timeout=30_000)
    await server.parts.transcripts.flush()
    read = server.parts.market.records.read
    screens = select(func.count()).where(transcripts.c.shown != "")
    assert await read(lambda db: db.execute(screens).scalar()) == said
    newest = select(func.max(transcripts.c.id)).group_by(transcripts.c.session_key)
    ids = set(await read(lambda db: list(db.execute(newest).scalars())))
    ways = "all => all.map(one => [one.dataset.mark, Number(one.dataset.id)])"
    shown = await page.eval_on_selector_all("#board .call", ways)
    assert len({mark for mark, _id in shown}) == callers
    assert {row for _mark, row in shown} <= ids
    print(f"cut for {CUT_S:.0f} s, {said} hops meanwhile: {callers} calls, none missed or doubled")


async def test_B14_twenty_boards_are_light_and_hold_up_no_hop(
    browser: Browser, server: Running
) -> None:
    alone = await hops(server)
    pages = [await board(browser, server) for _tab in range(TABS)]
    watched = await hops(server)
    heap, blocked = [], []
    for page in pages:
        client = await page.context.new_cdp_session(page)
        await client.send("Performance.enable")
        found = (await client.send("Performance.getMetrics"))["metrics"]
        heap.append(next(one["value"] for one in found if one["name"] == "JSHeapUsedSize") / 1e6)
        blocked += await page.evaluate("blocked")
    blocked.sort()
    p95_ms = blocked[int(len(blocked) * 0.95)] if blocked else 0
    print(f"{TABS} tabs, {HOPS_PER_S} hops a second for {LOAD_S:.0f} s: a hop's p99 {alone:.1f} ms")
    print(f"with nobody looking on, {watched:.1f} ms with all; a tab's heap {max(heap):.0f} MB,")
    print(f"its main thread blocked {p95_ms:.0f} ms (p95 of {len(blocked)} long tasks)")
    # What looking on costs a hop is for a quiet machine to say: tabs and server share this one.
    assert max(heap) < 150


async def hops(server: Running) -> float:
    """Dial at an even pace; the 99th of a hundred, in milliseconds."""
    took, callers = [], 500

    async def dial(number: int) -> None:
        began = time.monotonic()
        await server.phone(f"+25078802{number % callers:04}").dials()
        took.append(1000 * (time.monotonic() - began))

    tasks, begun = [], time.monotonic()
    for number in range(int(LOAD_S * HOPS_PER_S)):
        await asyncio.sleep(max(0, begun + number / HOPS_PER_S - time.monotonic()))
        tasks.append(asyncio.create_task(dial(number)))
    await asyncio.gather(*tasks)
    took.sort()
    return took[int(len(took) * 0.99)]
