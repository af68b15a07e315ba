"""What must not cross over in a real browser: a number after its minute, a session after its end,
another site into ours."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from aiohttp import web
from playwright.async_api import Browser, Error, async_playwright, expect
from sqlalchemy import select, update

from bot.dashboard.screens import whole_number
from bot.storage.schema import alert_mutes, audit, staff
from tests.dashboard.test_desks_in_chromium import in_as
from tests.dashboard.test_in_chromium import signed_in
from tests.dashboard.test_live_in_chromium import LIVE
from tests.free_port import free_port
from tests.patience import patient_s
from tests.server import FARMER, Running


async def revealed(page, server: Running) -> None:
    await page.goto(str(server.client.make_url("/dashboard/calls/1")))
    await page.locator(".reveal summary").first.click()
    reason = page.locator(".reveal select[name=reason]").first
    assert await reason.get_attribute("required") is not None
    await reason.select_option(index=1)
    await page.get_by_role("button", name="Show for a minute").first.click()
    await expect(page.locator(".number")).to_have_text(FARMER)


async def goes_back(page) -> None:
    # Of an answer to a form that may not be kept the browser shows nothing, and says so as an error.
    with suppress(Error):
        await page.go_back()
    await page.wait_for_timeout(300)


@pytest.fixture
async def keeping() -> AsyncIterator[Browser]:
    """A Chromium that keeps pages for "back", as people's do and a driver's usually does not."""
    async with async_playwright() as play:
        flag = ["--disable-back-forward-cache"]
        one = await play.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"], ignore_default_args=flag
        )
        yield one
        await one.close()


async def test_B07_a_whole_number_goes_after_its_time_and_does_not_come_back(
    keeping: Browser, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_number, "SECONDS", 4)
    await server.phone().dials()
    await server.parts.transcripts.flush()
    page = (await signed_in(await keeping.new_context(), server)).page
    await revealed(page, server)
    # Left before its time: neither "back" nor the page kept for it shows the number again.
    await page.get_by_role("link", name="Back", exact=True).click()
    await expect(page.locator("h1")).to_contain_text("+2507•••••01")
    await goes_back(page)
    assert FARMER not in await page.content()
    await revealed(page, server)
    # Nobody touches it: it goes by itself, from the page and from its memory.
    await expect(page.locator("h1")).to_contain_text("+2507•••••01", timeout=15_000)
    assert FARMER not in await page.content()
    await goes_back(page)
    assert FARMER not in await page.content()
    query = select(audit.c.actor, audit.c.details).where(audit.c.action == "number revealed")
    lines = await server.parts.market.records.read(lambda db: db.execute(query).all())
    assert len(lines) == 2 and all(line.details for line in lines)


async def test_B08_signed_out_in_one_tab_the_others_close_within_five_seconds(
    browser: Browser, server: Running
) -> None:
    context = await browser.new_context()
    window = await signed_in(context, server)
    await window.opens("/dashboard/calls")
    await expect(window.page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    other = await context.new_page()
    await other.goto(str(server.client.make_url("/dashboard/tickets")))
    await other.get_by_role("button", name="Sign out").click()
    at = time.monotonic()
    words = "Signed out: load the page again"
    await expect(window.page.locator("#fresh")).to_have_text(words, timeout=20_000)
    assert time.monotonic() - at < patient_s(5)
    await window.page.reload()
    await expect(window.page.get_by_label("Password")).to_be_visible()


async def test_B08_a_role_that_is_taken_while_a_page_is_open_is_taken_at_once(
    browser: Browser, server: Running
) -> None:
    await server.phone().dials()
    await server.parts.transcripts.flush()
    window = await in_as(await browser.new_context(), server, "amina", "agent")
    await window.opens("/dashboard/calls/1")
    await expect(window.page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    lowered = update(staff).where(staff.c.name == "amina").values(role="viewer")
    await server.parts.market.records.write(lambda db: db.execute(lowered))
    await window.page.get_by_role("button", name="Take the call").click()
    await expect(window.page.locator("h1")).to_have_text("You may not do this")


EVIL = """<!doctype html><meta charset=utf-8><title>evil</title>
<form method=post target=out action="{mute}"><input name=hours value=4><input name=why value=evil></form>
<iframe name=out></iframe><iframe id=seen src="{home}"></iframe>"""


async def test_B09_another_site_gets_nothing_by_form_frame_popup_fetch_or_socket(
    browser: Browser, server: Running
) -> None:
    context = await browser.new_context()
    await signed_in(context, server)
    home = str(server.client.make_url("/dashboard/"))
    mute = f"{home}alerts/rules/slow_hops/mute"
    evil = web.Application()

    async def trap(_request: web.Request) -> web.Response:
        return web.Response(text=EVIL.format(home=home, mute=mute), content_type="text/html")

    evil.router.add_get("/", trap)
    runner = web.AppRunner(evil)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        page = await context.new_page()
        # Another name of this machine: to a browser another site, whose cookies are not ours.
        await page.goto(f"http://localhost:{port}/")
        await page.evaluate("document.forms[0].submit()")
        await page.wait_for_timeout(500)
        assert await page.evaluate("frames.length") == 2
        for frame in page.frames[1:]:
            assert "Isoko" not in await frame.content()
        got = await page.evaluate(TRIES, [home, mute])
        assert got == {
            "read": "refused", "post": "refused", "socket": "refused", "stream": "refused",
            "popup": "refused",
        }  # fmt: skip
    finally:
        await runner.cleanup()
    query = select(alert_mutes.c.rule)
    assert await server.parts.market.records.read(lambda db: db.execute(query).all()) == []


TRIES = """async ([home, mute]) => {
    const got = {};
    got.read = await fetch(home, { credentials: "include" }).then(() => "read", () => "refused");
    const sent = { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({ hours: 4, why: "x" }) };
    got.post = await fetch(mute, sent).then((answer) => answer.type, () => "refused");
    got.socket = await new Promise((done) => {
        const socket = new WebSocket(home.replace("http", "ws") + "feed");
        socket.onopen = () => done("open");
        socket.onerror = () => done("refused");
    });
    got.stream = await new Promise((done) => {
        const source = new EventSource(home + "feed", { withCredentials: true });
        source.onopen = () => done("open");
        source.onerror = () => { source.close(); done("refused"); };
    });
    const popup = open(home);
    await new Promise((done) => setTimeout(done, 1500));
    try { got.popup = popup.document.body.textContent ? "read" : "empty"; } catch { got.popup = "refused"; }
    if (!popup || popup.closed) got.popup = "refused";
    return got;
}"""
