"""Deliveries, callbacks for nobody, the house and views in a real browser: they fit, accessibly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, expect
from sqlalchemy import func, insert, select

from bot.dashboard.access.roles import Role
from bot.market import fee_changes, hub_news
from bot.market.price_fees import Fee, Fees
from bot.storage.schema import inbox, outbox, payment_talks, person_notes, saved_views, staff
from bot.storage.schema import webhook_tries as tries
from tests.dashboard.fitting import fits, is_accessible
from tests.dashboard.test_desks_in_chromium import fill, in_as
from tests.dashboard.test_statement_page import HEAD, PAGE, day_of, line, paid
from tests.server import Running

OF_ADMIN = ("settings", "system/checks", "system", "views", "audit", "alerts")
OF_SUPERVISOR = (
    "fees", "payments/orphans", "payments/statement", "payments/1", "people/1", "simulator", "messages",
)  # fmt: skip


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser with nothing in it."""
    one = await browser.new_context(viewport={"width": 1280, "height": 900})
    yield one
    await one.close()


def fill_more(db: Any) -> int:
    """The longest words that may come; the number of a delivery."""
    fill(db)
    now = datetime.now(UTC)
    hook = select(func.max(outbox.c.id)).where(outbox.c.kind == hub_news.KIND)
    letter = int(db.execute(hook).scalar_one())
    why = "ClientConnectorError: Cannot connect to host " + "x" * 90
    tried = {"letter_id": letter, "took_ms": 15_002, "signatures": 3, "why": why}
    later = now + timedelta(hours=10)
    db.execute(insert(tries).values(tried | {"at": now, "status": 0, "next_at": later}))
    db.execute(insert(tries).values(tried | {"at": now, "status": 503, "next_at": None}))
    body = b'{"externalId":"' + b"K" * 120 + b'","status":"SUCCESSFUL"}'
    called = {"source": "mtn-momo", "event_id": "o" * 32, "body": body, "received_at": now}
    db.execute(insert(inbox).values(called | {"outcome": "unmatched", "applied_at": now}))
    said = {"payment_id": 1, "at": now, "took_ms": 1_204, "reason": "TRANSACTION_TIMED_OUT" * 5}
    for what, outcome in (("ask", "accepted"), ("look_up", "unknown")):
        db.execute(insert(payment_talks).values(said | {"what": what, "outcome": outcome}))
    note = {"contact_id": 1, "by": "a" * 40, "at": now, "text": "Umuhamagare nimugoroba " * 12}
    db.execute(insert(person_notes).values(note))
    who = int(db.execute(select(func.max(staff.c.id))).scalar_one())
    new = Fees(
        "COF-CHERRY", now.date(), "KOPAKAMA, assembly " * 4, (Fee("t" * 24, "w" * 24, 20, 25),)
    )
    fee_changes.ask(db, "rw", new, "amina", now)
    view = {"staff_id": who, "page": "orders", "name": "w" * 40, "query": "q=" + "K" * 90}
    db.execute(insert(saved_views).values(view | {"made_at": now}))
    return letter


@pytest.mark.parametrize("role", ["admin", "supervisor"])
async def test_B01_B11_they_fit_in_every_language_and_are_accessible(
    context: BrowserContext, server: Running, role: Role
) -> None:
    window = await in_as(context, server, "adam", role)
    letter = await server.parts.market.records.write(fill_more)
    page = window.page
    paths = [f"webhooks/deliveries/{letter}", *(OF_ADMIN if role == "admin" else OF_SUPERVISOR)]
    for language in ("rw", "fr", "en"):
        await window.opens("/dashboard/system")
        await page.click(f"button[value={language}]")
        for path in paths:
            await window.opens(f"/dashboard/{path}")
            await fits(page, (path, language))
            if language == "en":
                await is_accessible(page, path)
    assert window.said == []


async def test_B01_B11_B16_a_statement_is_compared_without_scripts_and_fits(
    browser: Browser, server: Running
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    window = await in_as(context, server, "fiona", "finance")
    page, one = window.page, await paid(server)
    long = {"reference": "=" + "r" * 60, "transaction_id": "t" * 64, "currency": "W" * 40}
    rows = [
        line(one), line(one), line(one, **long), line(one, amount="x" * 200), "cut",
        line(one, time="2026-11-24"),
    ]  # fmt: skip
    file = {"name": "mtn.csv", "mimeType": "text/csv", "buffer": "\n".join([HEAD, *rows]).encode()}
    for language in ("rw", "fr", "en"):
        await window.opens(PAGE)
        await page.click(f"button[value={language}]")
        await page.locator("input[type=file]").set_input_files(file)
        await page.locator("input[type=date]").fill(day_of(one))
        await page.locator("main form button.main").click()
        await expect(page.locator("table.sheet")).to_have_count(3)
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            await fits(page, (PAGE, language, theme))
    assert await page.locator("bdi", has_text="'=rrr").count() == 1
    assert window.said == []
    await context.close()


async def test_B11_what_came_of_a_statement_is_accessible(
    context: BrowserContext, server: Running
) -> None:
    window = await in_as(context, server, "fiona", "finance")
    page, one = window.page, await paid(server)
    for text in (f"{HEAD}\n{line(one, amount='1')}\ncut\n", "no statement"):
        await window.opens(PAGE)
        file = {"name": "mtn.csv", "mimeType": "text/csv", "buffer": text.encode()}
        await page.locator("input[type=file]").set_input_files(file)
        await page.locator("input[type=date]").fill(day_of(one))
        await page.locator("main form button.main").click()
        await expect(page.locator(".part, .problem").first).to_be_visible()
        await is_accessible(page, text)
