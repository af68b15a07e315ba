"""Health: figures of each minute are kept, added up, drawn, and said as lights."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, expect
from sqlalchemy import Connection

from bot.dashboard.screens.chart import chart
from bot.market import alert_owners, staff_alerts
from bot.market.staff_alerts import Found, Manner
from bot.operations.backlog import Waiting
from bot.operations.figures import HopFigures
from bot.operations.minute_figures import MinuteFigures
from bot.storage import minutes
from bot.storage.minutes import Minute, percentile_ms, together
from tests.dashboard.desk import Desk
from tests.dashboard.fitting import fits, is_accessible
from tests.dashboard.test_in_chromium import signed_in
from tests.server import Running


def busy(minute: int, hops: int = 600, slow: int = 6) -> Minute:
    """A minute of a process: most hops within 5 ms, `slow` of them between one and two seconds."""
    one = Minute(minute, Counter(new=hops, repeat=hops // 20, shed=hops // 100))
    one.times[3], one.times[11] = hops - slow, slow
    one.faults, one.lag_ms, one.unknown = hops // 300, 40, 2
    return one


def seed(db: Connection, back: int = 400) -> None:
    """Two processes for so many minutes, with a gap."""
    last = int(time.time() // 60)
    for ago in range(back):
        if 20 <= ago < 24:
            continue
        for worker in ("a", "b"):
            wave = 300 + 250 * ((ago // 10) % 3)
            minutes.keep(db, worker, busy(last - ago, wave, wave // 40 if ago % 7 == 0 else 1))


def raise_some(db: Connection) -> None:
    """Two alerts, of which one is looked after, and a rule that is muted."""
    now, at_once = datetime.now(UTC), Manner(timedelta(0), timedelta(0))
    found = [Found("gateway_silent", "africastalking", 25), Found("slow_hops", "", 1400)]
    staff_alerts.note(db, [one.rule for one in found], found, at_once, now)
    owned = next(row["id"] for row in staff_alerts.listed(db) if row["about"])
    alert_owners.own(db, owned, "amina", "The network was called: " + "x" * 90, now)
    staff_alerts.mute(db, "pin_spray", now + timedelta(hours=4), "amina", "<b>a test", now)


async def test_the_page_says_when_its_figures_were_read(server: Running, supervisor: Desk) -> None:
    """Those of seven days are kept for ten minutes, and were shown as of now."""
    path = "/dashboard/health?span=7d"
    said = re.compile(r"As of <time[^>]+>([0-9:]+)")
    first = said.search(await supervisor.gets(path))[1]
    await asyncio.sleep(1.2)
    assert said.search(await supervisor.gets(path))[1] == first


async def test_each_minute_of_each_process_is_kept_and_they_add_up(records) -> None:
    clock = [6000.0]
    hops, faults = HopFigures(), [0]
    hops.count("new", 0.002)

    def begins() -> MinuteFigures:
        waiting = Waiting(7.0, 1, {"unknown": 3}, 0, 0, 0, 0.0)
        return MinuteFigures(records, hops, lambda: faults[0], lambda: waiting, lambda: clock[0])

    first, second = begins(), begins()
    for _hop in range(9):
        hops.count("new", 0.003)
    hops.count("shed", 0.0)
    hops.count("completed", 0.0)
    faults[0] = 2
    await first.keep()
    await first.keep()
    hops.count("new", 1.5)
    clock[0] = 6061.0
    await first.keep()
    await second.keep()
    hops.count("repeat", 0.003)
    await first.keep()
    found = together(await records.read(lambda db: minutes.found(db, 100, 101)))
    assert len(found) == 1 and found[0].kinds == Counter(new=20, shed=2, completed=2)
    # The end of a call is no answer, and is not counted as a fast one.
    assert found[0].answered == 22 and sum(found[0].times) == 22
    assert (found[0].faults, found[0].late_s, found[0].unknown) == (4, 7, 3)
    later = await records.read(lambda db: minutes.found(db, 101, 102))
    assert [one.kinds for one in later] == [Counter(repeat=1)]
    whole = together([*found, *later], 60)
    assert [one.minute for one in whole] == [60] and whole[0].answered == 23
    await records.write(lambda db: minutes.forget_before(db, 101))
    assert await records.read(lambda db: len(minutes.found(db, 0, 200))) == 1


def test_a_percentile_lies_in_the_step_it_fell_into() -> None:
    assert percentile_ms([0] * 14, 0.5) is None
    times = busy(0, hops=1000, slow=20).times
    assert 2.5 <= percentile_ms(times, 0.5) <= 5
    assert 1000 <= percentile_ms(times, 0.99) <= 2000
    assert percentile_ms([0] * 13 + [1], 0.5) == 5000


def test_a_line_is_broken_where_nothing_is_known() -> None:
    drawn = chart("x", "x", "", [("x", [1.0, None, 2.0, 4.0])])
    assert drawn.lines[0].path.count("M") == 2 and drawn.most == "4"
    assert drawn.lines[0].numbers == ["1", "–", "2", "4"]
    assert chart("x", "x", "", [("x", [None, None])]).empty


async def test_the_lights_say_what_is_bad_in_words(server: Running, viewer: Desk) -> None:
    page = await viewer.gets("/dashboard/health")
    assert "Nothing is known of this time." in page and ">bad<" not in page
    await server.parts.market.records.write(lambda db: seed(db, 6))
    async with Desk(server) as other:
        other.cookie = viewer.cookie
        page = await other.gets("/dashboard/health?span=6h")
        assert "240 minutes" not in page and "<path" in other.wire
    for odd in ("span=x", "span=%00", "span=" + "9" * 400):
        await viewer.gets(f"/dashboard/health?{odd}")
        assert viewer.status == 200


async def test_B01_B11_B16_funnel_health_and_now_fit_and_need_no_script(
    browser: Browser, server: Running
) -> None:
    from tests.dashboard.test_funnel import seeded, write_all

    await server.parts.market.records.write(seed)
    await server.parts.market.records.write(write_all(seeded(300, int(time.time() * 1000))))
    context = await browser.new_context()
    window = await signed_in(context, server)
    page = window.page
    await server.parts.market.records.write(raise_some)
    paths = ["", "alerts", "simulator", "funnel", "funnel?flow=orders", "health", "health?span=7d"]
    for language in ("rw", "fr", "en"):
        await page.click(f"button[value={language}]")
        for path in paths:
            await window.opens(f"/dashboard/{path}")
            await fits(page, (path, language))
            if language == "en":
                await is_accessible(page, path)
    assert window.said == []
    without = await browser.new_context(java_script_enabled=False)
    await without.add_cookies(await context.cookies())
    page = await without.new_page()
    await page.goto(str(server.client.make_url("/dashboard/health")))
    await page.locator("#times summary").click()
    await expect(page.locator("#times tbody tr")).to_have_count(60)
