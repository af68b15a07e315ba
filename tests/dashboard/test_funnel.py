"""The funnel: its figures are those of SQL, it holds up nobody, and shows nobody's number."""

from __future__ import annotations

import asyncio
import random
import time

from playwright.async_api import Browser, expect
from sqlalchemy import Connection, insert, select, text

from bot.dashboard.screens import funnel_read
from bot.dashboard.screens.funnel_count import CUT, Counting, Told, shown_typed
from bot.storage.schema import transcripts
from tests.dashboard.desk import Desk
from tests.dashboard.test_in_chromium import signed_in
from tests.server import TEA, Running

SESSIONS = 10_000
FLOWS = {
    "orders": ("list", "offer", "pin", "taken"),
    "prices": ("crops", "markets", "one"),
    "pay": ("ask", "pin", "confirmed"),
}


def seeded(sessions: int, now_ms: int) -> list[dict]:
    """Calls that go through flows and end in each way there is; a call is one session."""
    chance, rows = random.Random(7), []
    for number in range(sessions):
        gateway = chance.choice(("africastalking", "mtn", "telegram"))
        call = {"session_key": f"{gateway}:{number}", "owner": "", "typed": "1", "micros": 900}
        call |= {"language": chance.choice(("rw", "rw", "fr", "en")), "shown": "s", "ends": 0}
        at_ms = now_ms - 20 * 3_600_000 + number * 6_000
        places = ["home.home"]
        for flow in chance.sample(list(FLOWS), chance.randint(0, 2)):
            places += [f"{flow}.{state}" for state in FLOWS[flow][: chance.randint(1, 4)]]
        for hop, place in enumerate(places, 1):
            at_ms += chance.randint(1_000, 9_000)
            rows.append(call | {"hop": hop, "place": place, "at_ms": at_ms})
        end = chance.choice(("ended", "told of it", "hung up", "silent"))
        rows[-1]["ends"] = int(end in ("ended", "told of it"))
        if end in ("hung up", "told of it"):
            rows.append(rows[-1] | {"shown": "", "ends": 1, "at_ms": at_ms + 100})
    return rows


def write_all(rows: list[dict]):
    return lambda db: db.execute(insert(transcripts), rows)


# For each place: how many calls came by, and of those whose last screen it was, how they ended.
BY_SQL = """
WITH last AS (
  SELECT t.session_key, t.place, t.ends FROM transcripts t
  JOIN (SELECT session_key, MAX(id) AS id FROM transcripts WHERE shown <> '' GROUP BY session_key) n
    ON n.id = t.id),
cut AS (SELECT DISTINCT session_key FROM transcripts WHERE shown = '')
SELECT t.place, COUNT(DISTINCT t.session_key),
  COUNT(DISTINCT CASE WHEN l.place = t.place AND l.ends = 1 THEN t.session_key END),
  COUNT(DISTINCT CASE WHEN l.place = t.place AND l.ends = 0 AND c.session_key IS NOT NULL THEN t.session_key END),
  COUNT(DISTINCT CASE WHEN l.place = t.place AND l.ends = 0 AND c.session_key IS NULL THEN t.session_key END)
FROM transcripts t JOIN last l ON l.session_key = t.session_key
LEFT JOIN cut c ON c.session_key = t.session_key
WHERE t.place LIKE :flow AND t.language LIKE :language AND t.session_key LIKE :channel
GROUP BY t.place
"""


def by_sql(db: Connection, flow: str, language: str = "%", channel: str = "%") -> dict:
    asked = {"flow": f"{flow}.%", "language": language, "channel": channel}
    return {row[0]: tuple(row[1:]) for row in db.execute(text(BY_SQL), asked)}


async def test_B18_the_figures_are_those_of_sql(browser: Browser, server: Running) -> None:
    records = server.parts.market.records
    await records.write(write_all(seeded(SESSIONS, int(time.time() * 1000))))
    page = (await signed_in(await browser.new_context(), server)).page
    for flow, language, channel in (
        ("orders", "", ""), ("prices", "", ""), ("home", "", ""),
        ("pay", "fr", ""), ("orders", "rw", "mtn"),
    ):  # fmt: skip
        asked = f"flow={flow}&language={language}&channel={channel}"
        await page.goto(str(server.client.make_url("/dashboard/funnel")) + "?" + asked)
        shown = await page.eval_on_selector_all(
            ".funnel tbody tr",
            """rows => rows.map(row => [row.dataset.key,
                [...row.querySelectorAll("td.num")].map(one => Number(one.textContent.replace(/\\D/g, "")))])""",
        )
        found = {key: (n[0], n[2], n[3], n[4]) for key, n in shown}
        wanted = await records.read(
            lambda db, f=flow, lang=language, c=channel: by_sql(
                db, f, lang or "%", f"{c}:%" if c else "%"
            )
        )
        assert found == wanted and wanted, asked
        # Who came is who went on, ended, left or is there still.
        assert all(n[0] == sum(n[1:6]) for _key, n in shown)


async def test_the_page_filters_and_opens_a_call_without_scripts(
    browser: Browser, server: Running
) -> None:
    await server.parts.market.records.write(write_all(seeded(400, int(time.time() * 1000))))
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    window = await signed_in_without_scripts(page, server)
    await window.goto(str(server.client.make_url("/dashboard/funnel")))
    await page.select_option("select[name=language]", "fr")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("select[name=language]")).to_have_value("fr")
    await page.locator(".funnel a", has_text="Orders").click()
    await expect(page.locator("h1")).to_have_text("Funnel: Orders")
    assert "language=fr" in page.url and "flow=orders" in page.url
    await page.get_by_role("link", name="Read call").first.click()
    await expect(page.locator(".timeline .lcd").first).to_be_visible()


async def signed_in_without_scripts(page, server: Running):
    from tests.dashboard.desk import demo_link

    await page.goto(str(server.client.make_url(await demo_link(server))))
    return page


async def test_a_count_lets_everybody_else_have_their_turn(server: Running) -> None:
    records, now_ms = server.parts.market.records, int(time.time() * 1000)
    await records.write(write_all(seeded(3_000, now_ms)))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    busy = asyncio.create_task(others())
    counted = await funnel_read.count(records, now_ms - 86_400_000)
    busy.cancel()
    lots = counted.hops // 500
    assert lots > 20 and turns > lots


async def test_of_too_many_hops_the_newest_are_counted(records) -> None:
    now_ms = int(time.time() * 1000)
    rows = seeded(500, now_ms)
    await records.write(write_all(rows))
    counted = await funnel_read.count(records, now_ms - 86_400_000, most=700)
    assert counted.hops == 700 and counted.partly
    query = select(transcripts.c.at_ms).order_by(transcripts.c.id.desc()).offset(699).limit(1)
    assert counted.from_ms == await records.read(lambda db: db.execute(query).scalar())
    nothing = await funnel_read.count(records, now_ms + 1)
    assert (nothing.hops, nothing.parts) == (0, {})
    some = await funnel_read.count(records, rows[900]["at_ms"])
    assert some.hops >= len(rows) - 950 and not some.partly


def hop(number: int, place: str, typed: str = "1", key: str = "mtn:1", **more: int) -> Told:
    said, ends = more.get("said", 1), more.get("ends", 0)
    return Told(number, key, number, place, typed, said, number * 1000, ends, "rw")


def test_a_chat_is_a_conversation_until_it_is_silent_for_long() -> None:
    counting = Counting()
    chat = "telegram:5"
    counting.take([hop(2, "home.home", key=chat), hop(3, "prices.crops", key=chat)])
    counting.take([hop(2000, "home.home", key=chat), hop(2001, "home.home", "7", key=chat)])
    part = counting.parts(now_ms=2_100_000)["telegram", "rw"]
    assert (part.talks, part.places["home.home"].reached) == (2, 2)
    assert part.places["prices.crops"].silent == 1
    assert part.places["home.home"].under_way == 1 and part.places["home.home"].again == 1


def test_what_was_typed_shows_no_number_and_no_pin() -> None:
    for secret in ("73914", "0788000001", "+250788000001", "1234", "7 3 9 1 4", "12 34"):
        assert shown_typed(secret) == CUT, secret
    assert shown_typed("12kg") == "12kg"


async def test_D07_few_people_are_not_told_apart(server: Running, viewer: Desk) -> None:
    lost = server.phone(TEA)
    await lost.dials()
    await lost.types("2", "1", "1", "7", "7", "7")
    await server.parts.transcripts.flush()
    page = await viewer.gets("/dashboard/funnel")
    assert 'data-key="orders"' in viewer.wire and "None was typed in 5" in page
    page = await viewer.gets("/dashboard/funnel?language=fr")
    assert 'data-key="orders"' not in viewer.wire
