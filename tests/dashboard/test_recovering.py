"""B19: ten thousand deliveries are sent again by a job; the browser may be closed half way."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from playwright.async_api import Browser, expect
from sqlalchemy import Connection, func, insert, select

from bot.market import hub_news, subscriptions
from bot.storage.schema import audit, outbox
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


def ended(db: Connection) -> list[dict]:
    query = select(audit.c.details).where(audit.c.action == "webhooks recovered")
    return list(db.execute(query).scalars())
