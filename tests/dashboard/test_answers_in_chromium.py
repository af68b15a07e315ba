"""Chats, photos, and the pages that only a form leads to, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from bot.storage.schema import contacts
from tests.dashboard.desk import demo_link
from tests.dashboard.fitting import fits, is_accessible
from tests.dashboard.test_desks_in_chromium import in_as
from tests.dashboard.test_in_chromium import HOSTILE, Window, signed_in
from tests.dashboard.test_photos import photos_of
from tests.phone import PIN
from tests.server import FARMER, TEA, Running
from tests.telegram.door import ALINE, Chat

Opens = Callable[[Window], Awaitable[object]]


@pytest.fixture
async def chrome(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser with nothing in it."""
    one = await browser.new_context(viewport={"width": 1280, "height": 900})
    yield one
    await one.close()


async def filled(server: Running) -> None:
    """A chat that waits for one of us, a photo to check, and a call that is under way."""
    await photos_of(server, 1)
    chat = Chat(server)
    for text in ("/menu", "2", "1", "1", PIN, "/menu", "/agent", HOSTILE):
        await chat.types(text)
    phone = server.phone(TEA)
    await phone.dials()
    await phone.types("2", "1")
    await server.parts.transcripts.flush()


def at(path: str) -> Opens:
    """A page that has an address."""
    return lambda window: window.opens(f"/dashboard/{path}")


async def reveals(window: Window) -> None:
    """The page with a whole number."""
    await window.opens(f"/dashboard/calls/{await newest_call(window)}")
    await window.page.locator(".reveal summary").click()
    await window.page.locator(".reveal select").select_option(index=1)
    await window.page.locator(".reveal button").click()
    await expect(window.page.locator(".card.narrow .number")).to_be_visible()


async def newest_call(window: Window) -> int:
    """The call under way, as the board leads to it."""
    await window.opens("/dashboard/calls?channel=phone")
    link = await window.page.locator("#board .open").first.get_attribute("href")
    return int((link or "").rpartition("/")[2])


async def exports(window: Window) -> None:
    """The page with a link that is good once."""
    await window.opens("/dashboard/orders")
    await window.page.locator(".export summary").click()
    await window.page.locator(".export [name=reason]").fill("for the co-operative")
    await window.page.locator(".export button").click()
    await expect(window.page.locator("a[download]")).to_be_visible()


async def exports_for_nothing(window: Window) -> None:
    """The page that asks why; a browser would not have sent it."""
    await window.opens("/dashboard/orders")
    await window.page.evaluate("document.querySelector('.export form').submit()")
    await expect(window.page.get_by_role("alert")).to_be_visible()


async def takes(window: Window) -> None:
    """The page of a chat that one has taken."""
    await window.opens("/dashboard/hand-over/1")
    button = window.page.locator("form[action$='/take'] button")
    if await button.count():
        await button.click()
    await expect(window.page.locator("#text")).to_be_visible()


async def is_refused(window: Window) -> None:
    """The page of a chat whose answer was refused."""
    await takes(window)
    await window.page.locator("#text").fill("What is your PIN?")
    await window.page.locator("form[action$='/say'] button.main").click()
    await expect(window.page.get_by_role("alert")).to_be_visible()


PAGES: dict[str, Opens] = {
    "chats": at("hand-over"),
    "a chat that waits": at("hand-over/1"),
    "photos": at("photos"),
    "a photo": at("photos/1"),
    "a whole number": reveals,
    "a link to a table": exports,
    "a table for nothing": exports_for_nothing,
    "a chat of one's own": takes,
    "a refused answer": is_refused,
}


# The number must go by itself, and the page says when (B07): a limit without which it would be of no
# use, which WCAG 2.2.1 leaves out.
ESSENTIAL = {"a whole number": ["meta-refresh"]}


async def test_B01_B05_B11_these_pages_fit_are_accessible_and_say_nothing(
    chrome: BrowserContext, server: Running
) -> None:
    await filled(server)
    name = update(contacts).values(names=HOSTILE)
    await server.parts.market.records.write(lambda db: db.execute(name))
    window = await signed_in(chrome, server)
    for what, opens in PAGES.items():
        await opens(window)
        await fits(window.page, what)
        await is_accessible(window.page, what, but=ESSENTIAL.get(what, ()))
    await window.opens("/dashboard/hand-over/1")
    await expect(window.page.get_by_text(HOSTILE).first).to_be_visible()
    # A refusal is the only thing that a console may tell of.
    assert [one for one in window.said if "status of 4" not in one] == []


@pytest.mark.parametrize("language", ["rw", "fr"])
async def test_B01_no_language_breaks_one_of_these_pages(
    chrome: BrowserContext, server: Running, language: str
) -> None:
    await filled(server)
    window = await signed_in(chrome, server)
    await window.page.click(f"button[value={language}]")
    for what, opens in PAGES.items():
        await opens(window)
        await fits(window.page, what)


async def test_B06_a_viewer_finds_no_number_no_account_and_no_pin_in_them(
    chrome: BrowserContext, server: Running
) -> None:
    await filled(server)
    window = await in_as(chrome, server, "vera", "viewer")
    number = await newest_call(window)
    seen = 0
    for path in ("hand-over", "hand-over/1", "photos", "photos/1", "photos/1/picture.jpg",
                 f"calls/{number}", "calls?channel=chat", "people/1"):  # fmt: skip
        answer = await window.page.request.get(str(server.client.make_url(f"/dashboard/{path}")))
        text = await answer.body()
        refused = path.startswith("photos")
        assert answer.status == (403 if refused else 200), path
        assert not [
            one for one in (FARMER[4:], TEA[4:], str(ALINE), PIN) if one.encode() in text
        ], path
        seen += not refused
    assert seen == 5
    for form in (".reveal", ".export", "form[action$='take-chat']"):
        await window.opens(f"/dashboard/calls/{number}")
        await expect(window.page.locator(form)).to_have_count(0)


async def test_B16_they_work_without_scripts(browser: Browser, server: Running) -> None:
    await photos_of(server, 1)
    await Chat(server).types("/menu")
    await server.parts.transcripts.flush()
    context = await browser.new_context(java_script_enabled=False, accept_downloads=True)
    window = Window(await context.new_page(), server)
    page = window.page
    await window.opens(await demo_link(server))
    await window.opens("/dashboard/calls?channel=chat")
    await page.get_by_role("link", name="Read the call").click()
    await page.get_by_label("Why do you come into their chat?").fill("stands still")
    await page.get_by_role("button", name="Take the chat").click()
    await expect(page.get_by_text("The bot is silent. demo supervisor")).to_be_visible()
    await expect(page.locator(".timeline .lcd").first).to_be_visible()
    await page.locator("#text").fill("Muraho")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("Muraho", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Give it back to the bot").click()
    await expect(page.get_by_text("The bot has this chat again.")).to_be_visible()
    await window.opens("/dashboard/photos")
    await page.locator("a.row").click()
    await page.get_by_role("button", name="Show it to buyers").click()
    await expect(page.get_by_text("No photo waits.")).to_be_visible()
    await exports_without_scripts(page, window)
    await context.close()


async def exports_without_scripts(page: Page, window: Window) -> None:
    await exports(window)
    async with page.expect_download() as coming:
        await page.locator("a[download]").click()
    assert (await (await coming.value).path()).read_bytes().startswith(b'"order"')


async def test_D09_a_chat_is_answered_from_a_page_that_is_live(
    chrome: BrowserContext, server: Running
) -> None:
    await filled(server)
    window = await signed_in(chrome, server)
    page, send = window.page, window.page.get_by_role("button", name="Send", exact=True)
    await window.opens("/dashboard/hand-over/1")
    await page.get_by_role("button", name="Take this chat").click()
    await page.locator("textarea").fill("One moment")
    await chrome.set_offline(True)
    await expect(send).to_be_disabled(timeout=20_000)
    await Chat(server).types("Are you there?")
    # What is half written stays, and what it answers to has been read by then.
    await chrome.set_offline(False)
    await expect(page.locator("#live")).to_contain_text("Are you there?", timeout=20_000)
    await expect(send).to_be_enabled()
    await send.click()
    await expect(page.locator("#live")).to_contain_text("One moment")
    assert await page.locator(".problem").count() == 0


async def test_who_has_the_chat_open_sees_that_a_colleague_types(
    chrome: BrowserContext, browser: Browser, server: Running
) -> None:
    await filled(server)
    window = await signed_in(chrome, server)
    await takes(window)
    elsewhere = await browser.new_context()
    other = await in_as(elsewhere, server, "vera", "viewer")
    await other.opens("/dashboard/hand-over/1")
    await window.page.locator("#text").press_sequentially("One moment")
    typing = other.page.get_by_text("demo supervisor is typing")
    await expect(typing).to_be_visible(timeout=20_000)
    # It lapses by itself: what is half written may never be sent.
    await expect(typing).to_have_count(0, timeout=20_000)
    assert window.said == other.said == []
    await elsewhere.close()
