"""The desks in a real browser: they fit, are accessible, and work without scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from sqlalchemy import insert, select, update

from bot.market import hub_news, subscriptions
from bot.storage.schema import contacts, hub_events, inbox, outbox, payments, reconciliations
from tests.dashboard.desk import PASSWORD, code_of, demo_link, new_link
from tests.dashboard.fitting import fits, is_accessible
from tests.dashboard.test_in_chromium import HOSTILE, Window
from tests.server import CRAFTS, FARMER, TEA, Running

PATHS = ("orders", "orders/KW-1038", "orders/KW-1042", "payments", "payments/1", "payments/2",
         "webhooks", "webhooks?source=operators", "webhooks/out", "messages", "people",
         "people/1", "audit", "staff", "staff/1", "system")  # fmt: skip


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser with nothing in it."""
    one = await browser.new_context(viewport={"width": 1280, "height": 900})
    yield one
    await one.close()


def fill(db: Any) -> None:
    """Something on every desk, with the longest words that may come."""
    now = datetime.now(UTC)
    number, _secret = subscriptions.subscribe(
        db, "https://a-very-long-name-of-a-hub.example.com/hooks/isoko/orders/and/more", (), now
    )
    hub_news.put(db, number, "shipment.handed_over", "t", "1", {}, now)
    subscriptions.disable(db, number, "answered 500 for five days")
    gone = {"state": "dead", "attempts": 8, "last_error": "ClientConnectorError: " + "x" * 100}
    db.execute(update(outbox).where(outbox.c.via == f"hook:{number}").values(gone))
    event = {"source": "hub", "type": "order.created", "lane": "o", "body": b"", "due_at": now}
    event |= {"event_id": "evt_" + "0123456789abcdef" * 2, "digest": b"x" * 16, "received_at": now}
    db.execute(insert(hub_events).values(event | {"state": "parked", "outcome": "KeyError: sku"}))
    letter = {"kind": "sms", "dedupe_key": "gone", "payload": {"contact_id": 1}, "due_at": now}
    db.execute(insert(outbox).values(letter | gone | {"written_at": now, "done_at": now}))
    called = {"source": "mtn-momo", "event_id": "c" * 32, "body": b"", "received_at": now}
    db.execute(insert(inbox).values(called | {"outcome": "hint", "applied_at": now}))
    known = dict(db.execute(select(payments).limit(1)).mappings().one())
    del known["id"]
    fresh = {"reference": "f" * 36, "callback_token": "t", "proof_code": "P", "settled_at": None}
    why = {"state": "flagged", "reason": "the operator says 230000, ours is 240000"}
    db.execute(insert(payments).values(known | fresh | why))
    tally = {"provider": "mtn-momo", "day": date(2026, 11, 28), "at": now, "tickets": 1}
    sums = {"there_rwf": 9_840_000, "here_rwf": 10_080_000, "kinds": {"missing there": 1}}
    db.execute(insert(reconciliations).values(tally | sums))


async def in_as(context: BrowserContext, server: Running, name: str, role: Any) -> Window:
    """A window in which a new member of this role is signed in."""
    window = Window(await context.new_page(), server)
    await window.opens(await new_link(server, name, role))
    await _sets_up(window.page)
    return window


async def _sets_up(page: Page) -> None:
    secret = (await page.locator(".secret").inner_text()).replace(" ", "")
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("input[name=again]").fill(PASSWORD)
    await page.locator("input[name=code]").fill(code_of(secret))
    await page.locator("button.main").click()
    await expect(page.locator(".codes li")).to_have_count(10)


async def test_B01_B11_every_desk_fits_in_every_language_and_is_accessible(
    context: BrowserContext, server: Running
) -> None:
    await server.parts.market.records.write(fill)
    window = await in_as(context, server, "adam", "admin")
    for language in ("rw", "fr", "en"):
        await window.opens("/dashboard/system")
        await window.page.click(f"button[value={language}]")
        for path in PATHS:
            await window.opens(f"/dashboard/{path}")
            await fits(window.page, (path, language))
            if language == "en":
                await is_accessible(window.page, path)
    assert window.said == []


async def test_B05_a_hostile_name_is_text_on_every_desk(
    context: BrowserContext, server: Running
) -> None:
    await server.parts.market.records.write(fill)
    everybody = update(contacts).values(names=HOSTILE, district=HOSTILE[:40])
    await server.parts.market.records.write(lambda db: db.execute(everybody))
    window = await in_as(context, server, "adam", "admin")
    for path in PATHS:
        await window.opens(f"/dashboard/{path}")
    await window.opens("/dashboard/people")
    await expect(window.page.get_by_text(HOSTILE[:30]).first).to_be_visible()
    assert window.said == []


async def test_B06_a_viewer_finds_no_number_and_no_secret_in_any_page(
    context: BrowserContext, server: Running
) -> None:
    await server.parts.market.records.write(fill)
    query = select(payments.c.callback_token)
    read = server.parts.market.records.read
    secrets = [one for one in await read(lambda db: db.execute(query).scalars()) if len(one) > 9]
    secrets += [msisdn[4:] for msisdn in (FARMER, TEA, CRAFTS)]
    window = await in_as(context, server, "vera", "viewer")
    for path in PATHS:
        answer = await window.page.request.get(str(server.client.make_url(f"/dashboard/{path}")))
        text = await answer.text()
        assert answer.status in (200, 403), path
        assert not [one for one in secrets if one in text], path


async def test_B04_two_who_end_the_same_payment_have_one_success(
    browser: Browser, server: Running
) -> None:
    await server.parts.market.records.write(fill)
    contexts = [await browser.new_context() for _ in range(3)]
    windows = [
        await in_as(one, server, name, "finance")
        for one, name in zip(contexts, ("fiona", "felix", "grace"), strict=True)
    ]
    first, *others = windows
    await first.opens("/dashboard/payments/2")
    await first.page.get_by_text("The money is where it was to go").click()
    await first.page.get_by_label("How do you know?").fill("MTN's letter of 3 May")
    await first.page.get_by_role("button", name="Say so; a second person ends it").click()
    await expect(first.page.locator(".done")).to_contain_text("a second person does the same")
    for window in others:
        await window.opens("/dashboard/payments/2")
    said = []
    for window in others:
        await window.page.get_by_role("button", name="I have checked it: end it so").click()
        said.append(await window.page.locator(".done").inner_text())
    assert "Settled." in said[0] and "No effect" in said[1]
    for one in contexts:
        await one.close()


async def test_B16_B17_the_desks_work_without_scripts_and_the_address_keeps_the_filter(
    browser: Browser, server: Running
) -> None:
    context = await browser.new_context(java_script_enabled=False, accept_downloads=True)
    page = await context.new_page()
    await page.goto(str(server.client.make_url(await demo_link(server))))
    await page.get_by_role("link", name="Orders").first.click()
    await page.get_by_label("Product").select_option("TEA-MADE")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator(".sheet tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="KW-1043").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("KW-1043")
    await page.go_back()
    assert "product=TEA-MADE" in page.url
    await expect(page.get_by_label("Product")).to_have_value("TEA-MADE")
    await page.reload()
    await expect(page.locator(".sheet tbody tr")).to_have_count(1)
    await page.get_by_text("Take away as CSV").click()
    await page.get_by_label("What for?").fill("for the co-operative")
    await page.get_by_role("button", name="Make a link, good once").click()
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="Take it").click()
    text = (await (await coming.value).path()).read_text(encoding="utf-8")
    assert text.startswith('"order"') and '"KW-1043"' in text and '"KW-1042"' not in text
    await context.close()
