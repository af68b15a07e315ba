"""The dashboard in a real browser, against the real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from bot.market.tickets import open_ticket
from bot.storage.schema import contacts
from tests.dashboard.desk import PASSWORD, code_of, demo_link, new_link
from tests.dashboard.fitting import fits, is_accessible
from tests.dashboard.test_person_help import lock
from tests.dashboard.test_screens import asks_for_a_call
from tests.phone import PIN
from tests.server import CRAFTS, FARMER, TEA, Running
from tests.telegram.door import Chat, link

HOSTILE = "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>"


class Window:
    """A page, and everything its console and its policy said."""

    def __init__(self, page: Page, server: Running) -> None:
        self.page, self._server, self.said = page, server, []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(dialog.message))

    async def opens(self, path: str) -> None:
        await self.page.goto(str(self._server.client.make_url(path)))


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser with nothing in it."""
    one = await browser.new_context(viewport={"width": 1280, "height": 900})
    yield one
    await one.close()


async def signed_in(context: BrowserContext, server: Running) -> Window:
    window = Window(await context.new_page(), server)
    await window.opens(await demo_link(server))
    await expect(window.page.get_by_role("heading", level=1)).to_have_text("Now")
    return window


async def test_a_supervisor_sees_a_call_appear_reads_it_and_closes_its_ticket(
    context: BrowserContext, server: Running
) -> None:
    window = await signed_in(context, server)
    page = window.page
    await page.get_by_role("link", name="Live calls").first.click()
    await expect(page.get_by_text("Nobody is calling.")).to_be_visible()
    await expect(page.locator("#fresh")).to_have_text("Live", timeout=15_000)
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1")
    # Nobody loads the page: it renews itself.
    await expect(page.locator(".call .caller")).to_contain_text("+2507•••••01", timeout=20_000)
    await phone.types("1", PIN)
    await phone.dials()
    await phone.types("8", "6", "8")
    await expect(page.locator(".call .place")).to_contain_text("Help", timeout=20_000)
    await page.get_by_role("link", name="Read the call").click()
    await expect(page.locator(".timeline .lcd").first).to_contain_text("Murakaza neza")
    await page.get_by_role("link", name="Tickets").click()
    await page.locator("a.row").click()
    await page.fill("#note", "Yahamagawe, byakemutse")
    await page.get_by_role("button", name="Close the ticket").click()
    await expect(page.locator(".done")).to_contain_text("is closed")
    await expect(page.get_by_text("No ticket is open.")).to_be_visible()
    assert window.said == []


async def test_the_whole_sign_in_by_a_members_own_link(
    context: BrowserContext, server: Running
) -> None:
    window = Window(await context.new_page(), server)
    page = window.page
    await window.opens(await new_link(server, "amina", "agent"))
    secret = (await page.locator(".secret").inner_text()).replace(" ", "")
    box = await page.locator(".qr svg").bounding_box()
    assert box is not None and box["width"] > 100
    await page.get_by_label("Password, at least").fill(PASSWORD)
    await page.get_by_label("The same again").fill(PASSWORD)
    await page.get_by_label("The 6 digits").fill(code_of(secret))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".codes li")).to_have_count(10)
    await page.get_by_role("link", name="I have written them down").click()
    await page.get_by_role("button", name="Sign out").click()
    await window.opens("/dashboard/calls")
    await page.get_by_label("Name").fill("amina")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("The 6 digits").fill(code_of(secret, 30))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Live calls")
    assert window.said == []


async def everything(server: Running) -> list[str]:
    """Pages with something on them."""
    code = await asks_for_a_call(server)
    lost = server.phone(TEA)
    await lost.dials()
    await lost.types("2", "1", "1", "7", "7", "7")
    await server.parts.transcripts.flush()
    await asyncio.sleep(1.05)
    await link(server, CRAFTS)
    await lock(server)
    asked = {"category": "new_owner", "msisdn": TEA, "contact_id": 2, "language": "rw"}
    owner = await server.parts.market.records.write(
        lambda db: open_ticket(db, **asked, now=datetime.now(UTC))
    )
    return ["", "calls", "calls/1", "people/1", "people/3", "orders/KW-1042", "payments/day",
            "tickets", f"tickets/{owner}", f"tickets/{code}", "nothing"]  # fmt: skip


async def test_D01_B05_a_hostile_name_is_text_on_every_page(
    context: BrowserContext, server: Running
) -> None:
    name = update(contacts).values(names=HOSTILE)
    await server.parts.market.records.write(lambda db: db.execute(name))
    paths = await everything(server)
    window = await signed_in(context, server)
    for path in paths[:-1]:
        await window.opens(f"/dashboard/{path}")
        await window.page.wait_for_timeout(100)
    await expect(window.page.get_by_text(HOSTILE)).to_be_visible()
    assert window.said == []


async def test_B01_B11_every_page_fits_and_is_accessible(
    context: BrowserContext, server: Running
) -> None:
    paths = await everything(server)
    window = await signed_in(context, server)
    for path in paths:
        await window.opens(f"/dashboard/{path}")
        await fits(window.page, path)
        await is_accessible(window.page, path)


@pytest.mark.parametrize("language", ["rw", "fr", "en"])
async def test_B01_B11_the_way_in_fits_and_is_accessible(
    context: BrowserContext, server: Running, language: str
) -> None:
    window = Window(await context.new_page(), server)
    for path in (await new_link(server, "amina", "agent"), "/dashboard/sign-in",
                 "/dashboard/sign-in/code", "/dashboard/welcome/gone"):  # fmt: skip
        await window.opens(f"{path}?lang={language}")
        await fits(window.page, path)
        await is_accessible(window.page, path)


@pytest.mark.parametrize("language", ["rw", "fr"])
async def test_B01_no_language_breaks_a_small_page(
    context: BrowserContext, server: Running, language: str
) -> None:
    paths = await everything(server)
    window = await signed_in(context, server)
    await window.page.click(f"button[value={language}]")
    for path in paths:
        await window.opens(f"/dashboard/{path}")
        await fits(window.page, path)


async def test_B03_a_page_that_is_cut_off_says_so_and_comes_back(
    context: BrowserContext, server: Running
) -> None:
    window = await signed_in(context, server)
    fresh = window.page.locator("#fresh")
    await expect(fresh).to_have_text("Live", timeout=15_000)
    await context.set_offline(True)
    await expect(fresh).to_have_text("Offline: this is old", timeout=15_000)
    await expect(window.page.locator("#live")).to_have_class("old")
    await context.set_offline(False)
    await expect(fresh).to_have_text("Live", timeout=20_000)


async def test_B08_a_page_left_open_says_that_one_is_signed_out(
    context: BrowserContext, server: Running
) -> None:
    window = await signed_in(context, server)
    other = await context.new_page()
    await other.goto(str(server.client.make_url("/dashboard/")))
    await other.get_by_role("button", name="Sign out").click()
    await expect(window.page.locator("#fresh")).to_contain_text("Signed out", timeout=20_000)


async def test_B16_all_of_it_works_without_scripts(browser: Browser, server: Running) -> None:
    code = await asks_for_a_call(server)
    await server.parts.transcripts.flush()
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(str(server.client.make_url(await demo_link(server))))
    await page.get_by_role("link", name="Live calls").first.click()
    # Without the script nothing is claimed; a browser whose scripts are off renews it by this.
    await expect(page.locator("#fresh")).not_to_contain_text("every 3 seconds")
    assert (
        '<noscript><meta http-equiv="refresh" content="10; url=/dashboard/calls?renewed=1">'
        in await (await page.request.get(page.url)).text()
    )
    await page.get_by_role("link", name="Read the call").first.click()
    await expect(page.locator(".timeline .lcd").first).to_contain_text("Murakaza neza")
    await page.goto(str(server.client.make_url(f"/dashboard/tickets/{code}")))
    await page.get_by_text("Show the whole number").click()
    await page.get_by_label("Why?").select_option("call_back")
    await page.get_by_role("button", name="Show for a minute").click()
    await expect(page.locator(".number")).to_have_text(FARMER)
    await context.close()


async def test_B15_the_first_load_is_light(context: BrowserContext, server: Running) -> None:
    weight = 0
    client = await context.new_cdp_session(await context.new_page())
    page = context.pages[0]
    await client.send("Network.enable")

    def add(event: dict) -> None:
        nonlocal weight
        weight += int(event["encodedDataLength"])

    client.on("Network.loadingFinished", add)
    await page.goto(str(server.client.make_url(await demo_link(server))))
    await page.wait_for_load_state("load")
    assert 2_000 < weight < 60_000, weight


@pytest.mark.parametrize("scripts", [True, False])
async def test_B01_on_a_phone_the_pages_are_one_row_that_opens(
    browser: Browser, server: Running, scripts: bool
) -> None:
    size = {"width": 360, "height": 800}
    context = await browser.new_context(viewport=size, java_script_enabled=scripts)
    window = await signed_in(context, server)
    page = window.page
    header = await page.locator("header.top").bounding_box()
    assert header is not None and header["height"] < 180
    await expect(page.get_by_role("link", name="System")).to_have_count(0)
    await page.locator(".menu summary").click()
    await page.get_by_role("link", name="System").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("System")
    await context.close()


async def test_B03_the_page_of_a_refusal_goes_on_renewing_itself(
    context: BrowserContext, server: Running
) -> None:
    await link(server, FARMER)
    await Chat(server).types("/agent")
    window = await signed_in(context, server)
    await window.opens("/dashboard/hand-over/1")
    await window.page.get_by_role("button", name="Take this chat").click()
    await window.page.get_by_role("textbox").fill("What is your PIN?")
    await window.page.get_by_role("button", name="Send", exact=True).click()
    await expect(window.page.get_by_role("alert")).to_contain_text("asked for a PIN")
    assert window.page.url.endswith("/say")
    await Chat(server).types("are you there")
    await expect(window.page.get_by_text("are you there")).to_be_visible(timeout=10_000)
    await expect(window.page.locator("#fresh")).to_have_attribute("data-state", "live")
