"""Keys on every page: what the sheet says they do, they do, and it says nothing else."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, expect

from tests.dashboard.test_in_chromium import signed_in
from tests.dashboard.test_live_in_chromium import LIVE
from tests.phone import PIN
from tests.server import TEA, Running
from tests.telegram.door import Chat, link


async def test_the_sheet_names_what_works_on_this_page_and_no_more(
    browser: Browser, server: Running
) -> None:
    page = (await signed_in(await browser.new_context(), server)).page
    for path, has, lacks in (
        (
            "/dashboard/orders",
            {"/", "j k", "o", "x", "g l", "g f"},
            {"t", "p", "m", "Space", "Esc"},
        ),
        ("/dashboard/calls", {"n", "p", "j k", "/"}, {"t", "r"}),
        ("/dashboard/", {"p", "g h", "Ctrl K"}, {"j k", "c", "1 … 9"}),
        ("/dashboard/health", {"1 … 9"}, {"j k", "p"}),
    ):
        await page.goto(str(server.client.make_url(path)))
        await page.keyboard.press("?")
        await expect(page.locator("dialog.keys-help")).to_be_visible()
        keys = set(await page.locator("dialog kbd").all_inner_texts())
        assert has <= keys and not lacks & keys, (path, keys)
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog.keys-help")).to_have_count(0)


async def test_one_goes_searches_walks_and_opens_by_keys(browser: Browser, server: Running) -> None:
    context = await browser.new_context()
    window = await signed_in(context, server)
    page = window.page
    for letter, title in (
        ("o", "Orders"), ("p", "Payments"), ("w", "Webhooks"), ("m", "Messages"),
        ("u", "People"), ("a", "Alerts"), ("f", "Funnel"), ("h", "Health"), ("l", "Audit"),
        ("k", "Open tickets"), ("n", "Now"),
    ):  # fmt: skip
        await page.keyboard.press("g")
        await page.keyboard.press(letter)
        await expect(page.locator("h1")).to_have_text(title)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("ord")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Orders")
    await page.keyboard.press("/")
    await page.keyboard.type("KW-1042")
    await page.keyboard.press("Enter")
    await expect(page.locator(".sheet tbody tr")).to_have_count(1)
    await page.keyboard.press("j")
    async with context.expect_page() as opened:
        await page.keyboard.press("o")
    other = await opened.value
    await expect(other.locator("h1")).to_contain_text("KW-1042")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_contain_text("KW-1042")
    await page.keyboard.press("Escape")
    await expect(page.locator("h1")).to_have_text("Orders")
    await window.opens("/dashboard/health")
    await page.keyboard.press("3")
    await expect(page.locator(".filters [aria-current]")).to_have_text("The last 24 hours")
    assert window.said == []


async def test_B17_x_marks_a_line_and_the_address_that_y_copies_shows_it(
    browser: Browser, server: Running
) -> None:
    context = await browser.new_context()
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    window = await signed_in(context, server)
    page, marked = window.page, ".sheet [aria-current]"
    await window.opens("/dashboard/orders?state=offered")
    await page.keyboard.press("x")
    await expect(page.locator(marked)).to_have_count(0)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    code = await page.locator(marked).inner_text()
    await page.keyboard.press("y")
    other = await context.new_page()
    await other.goto(await page.evaluate("navigator.clipboard.readText()"))
    await expect(other.locator(marked)).to_have_text(code)
    await expect(other.locator(marked)).to_be_focused()
    assert "state=offered" in other.url
    # What is marked twice is marked no more, and the address is what it was.
    await other.keyboard.press("x")
    await expect(other.locator(marked)).to_have_count(0)
    assert other.url.endswith("/dashboard/orders?state=offered")
    assert window.said == []
    await context.close()


async def test_d_is_dark_or_light_on_every_page_from_then_on(
    browser: Browser, server: Running
) -> None:
    context = await browser.new_context(color_scheme="light")
    window = await signed_in(context, server)
    page, paper = window.page, "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(paper)
    await page.keyboard.press("d")
    dark = await page.evaluate(paper)
    assert dark != light
    await window.opens("/dashboard/orders")
    await expect(page.locator("body")).to_have_css("background-color", dark)
    await page.keyboard.press("d")
    await expect(page.locator("body")).to_have_css("background-color", light)
    assert window.said == []
    await context.close()


async def test_a_takes_on_a_chat_that_waits(browser: Browser, server: Running) -> None:
    await link(server, TEA)
    await Chat(server).types("/agent")
    context = await browser.new_context()
    window = await signed_in(context, server)
    await window.opens("/dashboard/hand-over/1")
    await window.page.keyboard.press("a")
    await expect(window.page.locator("#live")).to_contain_text("has this chat")
    await expect(window.page.locator("textarea")).to_be_visible()
    await context.close()


async def test_t_takes_a_chat_and_b_gives_it_back(browser: Browser, server: Running) -> None:
    await link(server, TEA)
    await Chat(server).types("/agent")
    context = await browser.new_context()
    window = await signed_in(context, server)
    page, live = window.page, window.page.locator("#live")
    await window.opens("/dashboard/hand-over/1")
    await page.keyboard.press("?")
    sheet = page.locator("dialog.keys-help")
    await expect(sheet).to_contain_text("Take the chat")
    await expect(sheet).not_to_contain_text("Take the call")
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await expect(page.locator("fieldset.acts").last).to_be_enabled(timeout=15_000)
    await page.keyboard.press("t")
    await expect(live).to_contain_text("has this chat")
    await expect(page.locator("fieldset.acts").last).to_be_enabled(timeout=15_000)
    await page.keyboard.press("b")
    await expect(page.locator("[data-do=give]")).to_have_count(0)
    await window.opens("/dashboard/hand-over/1")
    await expect(live).to_contain_text("The bot has this chat again.")
    assert window.said == []
    await context.close()


async def test_p_holds_the_board_still_until_it_is_let_go(
    browser: Browser, server: Running
) -> None:
    page = (await signed_in(await browser.new_context(), server)).page
    await page.goto(str(server.client.make_url("/dashboard/calls")))
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    await page.keyboard.press("p")
    await expect(page.locator("#fresh")).to_have_text("Paused: p goes on")
    await server.phone().dials()
    await server.phone(TEA).dials()
    await asyncio.sleep(8)
    await expect(page.locator("#fresh")).to_have_text("Paused: p goes on")
    await expect(page.locator("#board .call")).to_have_count(0)
    await page.keyboard.press("p")
    await expect(page.locator("#board .call")).to_have_count(2, timeout=15_000)
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)


async def test_B10_a_stuck_call_is_found_and_a_call_back_asked_for_in_twelve_presses(
    browser: Browser, server: Running
) -> None:
    calm = server.phone()
    await calm.dials()
    await calm.types("2", "1", "1", PIN)
    lost = server.phone(TEA)
    await lost.dials()
    await lost.types("2", "1", "1", "7", "7", "7")
    await server.parts.transcripts.flush()
    page, pressed = (await signed_in(await browser.new_context(), server)).page, []

    async def press(key: str) -> None:
        pressed.append(key)
        await page.keyboard.press(key)

    # From the page Now, on which everybody begins, without a mouse and without a click before.
    await press("g")
    await press("s")
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    await press("j")
    await press("Enter")
    await expect(page.locator("h1")).to_contain_text("+2507•••••02")
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    await press("[")
    await press("]")
    await press("c")
    await expect(page.locator(".done")).to_contain_text("on the list")
    await press("g")
    await press("c")
    await expect(page.locator(".desk .wait")).to_contain_text("+2507•••••02")
    assert len(pressed) == 9
