"""The page Now: told by the feed when a figure is another, and asked for no more than that."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.dashboard.test_in_chromium import signed_in
from tests.server import Running


async def test_now_changes_when_a_figure_does_and_asks_for_nothing_meanwhile(
    browser: Browser, server: Running
) -> None:
    page = (await signed_in(await browser.new_context(), server)).page
    await expect(page.locator("#fresh")).to_have_text("Live", timeout=15_000)
    # The first word of the feed has it asked for once.
    await page.wait_for_timeout(4_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.wait_for_timeout(7_000)
    assert len(asked) <= 1, asked
    phone = server.phone()
    await phone.dials()
    await phone.types("8", "6", "8")
    tile = page.locator("a.tile", has_text="To be called back")
    await expect(tile.locator(".figure")).to_have_text("1", timeout=15_000)
    # What is focused stays so when the page is put anew.
    await tile.focus()
    await server.phone("+250788000002").dials()
    calls = page.locator("a.tile", has_text="Live calls")
    await expect(calls.locator(".figure")).to_have_text("2", timeout=15_000)
    await expect(tile).to_be_focused()


async def test_now_says_that_it_is_behind_while_it_cannot_be_asked_for(
    browser: Browser, server: Running
) -> None:
    page = (await signed_in(await browser.new_context(), server)).page
    fresh = page.locator("#fresh")
    await expect(fresh).to_have_text("Live", timeout=15_000)
    asked = page.url
    await page.route(asked, lambda route: route.fulfill(status=500, body="no"))
    await server.phone().dials()
    await expect(fresh).to_contain_text("Behind by", timeout=15_000)
    await page.unroute(asked)
    calls = page.locator("a.tile", has_text="Live calls")
    await expect(calls.locator(".figure")).to_have_text("1", timeout=20_000)
    await expect(fresh).to_have_text("Live")
