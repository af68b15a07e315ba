"""B19: ten thousand deliveries are sent again by a job; the browser may be closed half way."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import Connection, func, insert, select, update

from bot.dashboard.access import members
from bot.dashboard.screens import recovering
from bot.dashboard.screens.recovering import Recoveries
from bot.market import hub_news, subscriptions
from bot.storage import outbox as outbox_of
from bot.storage.records import Records
from bot.storage.schema import audit, outbox, turns
from tests.dashboard.test_in_chromium import signed_in
from tests.patience import patient_s
from tests.server import Running

MANY = 10_000


def given_up(db: Connection) -> int:
    """A receiver that is switched off, so that what waits for it stays, and what it did not take."""
    now = datetime.now(UTC)
    number, _secret = subscriptions.subscribe(db, "https://hub.example/hook", (), now)
    subscriptions.disable(db, number, "test")
    letter = {
        "kind": hub_news.KIND,
        "payload": {"type": "order.accepted", "subscription": number},
        "state": "dead",
        "attempts": 8,
    }
    letter |= {"via": f"hook:{number}", "due_at": now, "written_at": now, "last_error": "500"}
    db.execute(insert(outbox), [letter | {"dedupe_key": f"b19:{n}"} for n in range(MANY)])
    return number


async def test_B19_a_job_sends_all_again_once_though_the_browser_is_closed(
    browser: Browser, server: Running
) -> None:
    records = server.parts.market.records
    await records.write(given_up)
    context = await browser.new_context()
    page = (await signed_in(context, server)).page
    await page.goto(str(server.client.make_url("/dashboard/webhooks/out")))
    await page.get_by_role("button", name="Send all 10,000 again").click()
    await expect(page.locator(".done")).to_contain_text("You may close this page")
    said = await page.locator(".job").inner_text()
    done, of = (int(n.replace(",", "")) for n in re.findall(r"[\d,]+", said)[:2])
    assert of == MANY and 0 < done < MANY
    await context.close()
    phone, slowest_s = server.phone(), 0.0
    until = time.monotonic() + patient_s(60)
    while time.monotonic() < until:
        began = time.monotonic()
        await phone.dials()
        slowest_s = max(slowest_s, time.monotonic() - began)
        if await records.read(ended):
            break
    print(f"the slowest hop meanwhile took {1000 * slowest_s:.0f} ms")
    row = outbox.c
    mine = select(row.state, row.attempts, func.count()).where(row.dedupe_key.like("b19:%"))
    found = await records.read(lambda db: db.execute(mine.group_by(row.state, row.attempts)).all())
    assert [tuple(one) for one in found] == [("waiting", 0, MANY)]
    assert (await records.read(ended)) == [{"count": MANY}]


async def helper(records: Records) -> members.Member:
    now = datetime.now(UTC)
    return await records.write(lambda db: members.add(db, "sam", "supervisor", "en", now, "test"))


async def test_two_who_press_at_once_in_two_processes_begin_one_job(records: Records) -> None:
    number, by = await records.write(given_up), await helper(records)
    here, there = Recoveries(records), Recoveries(records)
    jobs = await asyncio.gather(*(one.begin(number, by, 0) for one in (here, there, here)))
    assert len({job.id for job in jobs}) == 1 and not any(job.over for job in jobs)
    # Each shows how far it is, whichever does it.
    for one in (here, there):
        assert (await one.under_way())[f"hook:{number}"].of == MANY
    async with asyncio.timeout(patient_s(60)):
        while await there.under_way():
            await asyncio.sleep(0.05)
    assert await records.read(began) == 1 and await records.read(ended) == [{"count": MANY}]
    for one in (here, there):
        await one.close()


async def test_a_job_that_breaks_is_not_over_and_another_process_ends_it(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, by = await records.write(given_up), await helper(records)
    whole, lots = outbox_of.replay_some, iter(range(10_000))

    def breaks(*args):
        if next(lots) == 3:
            raise ValueError("a fault")
        return whole(*args)

    monkeypatch.setattr(outbox_of, "replay_some", breaks)
    here = Recoveries(records)
    job = await here.begin(number, by, patient_s(20))
    assert not job.over and 0 < job.done < MANY
    await here.close()
    # Who had it does no more: after a while it is another's, who goes on where it stood.
    monkeypatch.setattr(recovering, "_LOOK_S", 0.05)
    over = update(turns).values(until=datetime.now(UTC))
    await records.write(lambda db: db.execute(over))
    there = Recoveries(records)
    there.start()
    async with asyncio.timeout(patient_s(60)):
        while await there.under_way():
            await asyncio.sleep(0.05)
    await there.close()
    assert await records.read(ended) == [{"count": MANY}]


def began(db: Connection) -> int:
    line = audit.c.action == "webhooks recovery begun"
    return int(db.execute(select(func.count()).where(line)).scalar() or 0)


def ended(db: Connection) -> list[dict]:
    query = select(audit.c.details).where(audit.c.action == "webhooks recovered")
    return list(db.execute(query).scalars())
