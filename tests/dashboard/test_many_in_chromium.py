"""B12: the board under a thousand calls, and the phone of the page beside what was sent."""

from __future__ import annotations

import random
import time

from playwright.async_api import Browser, expect
from sqlalchemy import insert, select

from bot.storage.schema import transcripts
from tests.dashboard.desk import Desk
from tests.dashboard.test_in_chromium import signed_in
from tests.dashboard.test_live_in_chromium import LIVE
from tests.patience import patient_s
from tests.server import Running

CALLS = 1_000
SIGNS = "abcdefghijklmnop <>&\"'\n€é{}[]~^|\\"


def calls(now_ms: int) -> list[dict]:
    """As many calls as can be shown twice over, each at a screen of every sign that may come."""
    chance, rows = random.Random(3), []
    for number in range(CALLS):
        shown = "".join(chance.choices(SIGNS, k=120)).strip() or "x"
        call = {"session_key": f"mtn:{number}", "hop": 1, "owner": "", "place": "home.home"}
        call |= {"typed": "", "shown": shown, "micros": 900, "ends": 0, "language": "rw"}
        rows.append(call | {"at_ms": now_ms - chance.randint(0, 50_000)})
    return rows


async def test_B12_a_thousand_calls_are_on_the_board_at_once(
    browser: Browser, server: Running
) -> None:
    page = (await signed_in(await browser.new_context(), server)).page
    rows = calls(int(time.time() * 1000))
    await server.parts.market.records.write(lambda db: db.execute(insert(transcripts), rows))
    began = time.monotonic()
    await page.goto(str(server.client.make_url("/dashboard/calls")))
    await expect(page.locator("#board .call")).to_have_count(60)
    drawn_s = time.monotonic() - began
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    live_s = time.monotonic() - began
    await expect(page.locator("#count")).to_contain_text("Calls under way: 1,000")
    await expect(page.locator("#newest")).to_be_visible()
    timing = "performance.getEntriesByType('navigation')[0].domComplete"
    print(f"drawn in {drawn_s:.2f} s (the browser: {await page.evaluate(timing):.0f} ms)", end=", ")
    print(f"live in {live_s:.2f} s")
    assert drawn_s < patient_s(10)


async def test_B12_the_phone_shows_what_was_sent_for_each_of_a_thousand(
    server: Running, viewer: Desk
) -> None:
    records, rows = server.parts.market.records, calls(int(time.time() * 1000))
    await records.write(lambda db: db.execute(insert(transcripts), rows))
    query = select(transcripts.c.id, transcripts.c.shown).order_by(transcripts.c.id)
    found = await records.read(lambda db: db.execute(query).all())
    same = 0
    for row in found:
        page = await viewer.gets(f"/dashboard/calls/{row.id}")
        same += f'id="lcd" lang="rw"><bdi>{row.shown}</bdi></pre>' in page
    assert same == len(found) == CALLS
