"""The live pages in a real browser: what moves by itself, what says so, and what waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from sqlalchemy import insert, update

from bot.storage.schema import contacts, transcripts
from tests.dashboard.desk import demo_link, new_link
from tests.dashboard.fitting import fits, is_accessible
from tests.dashboard.test_acting import acts
from tests.dashboard.test_in_chromium import HOSTILE, Window, signed_in
from tests.patience import patient_s
from tests.phone import PIN, Phone
from tests.server import CRAFTS, FARMER, TEA, UNKNOWN, Running

LIVE = "Live"


@pytest.fixture
async def chrome(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser with nothing in it."""
    one = await browser.new_context(viewport={"width": 1280, "height": 900})
    yield one
    await one.close()


async def board(context: BrowserContext, server: Running) -> Window:
    """The board of live calls, caught up."""
    window = await signed_in(context, server)
    await window.opens("/dashboard/calls")
    await expect(window.page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    return window


async def shows(page: Page, text: str, within_s: float = 15.0) -> None:
    await expect(page.locator("#board .lcd").first).to_contain_text(text, timeout=within_s * 1000)


async def test_B02_a_hop_is_on_the_board_within_a_second(
    chrome: BrowserContext, server: Running
) -> None:
    window = await board(chrome, server)
    phone, took_s = server.phone(), []
    await phone.dials()
    await expect(window.page.locator("#board .call")).to_have_count(1, timeout=15_000)
    for _hop in range(40):
        await phone.types("00")
        at = time.monotonic()
        hop = f"hop {len(phone.history) + 1}"
        await window.page.wait_for_function(
            "hop => document.querySelector('#board .hops')?.textContent === hop", arg=hop
        )
        took_s.append(time.monotonic() - at)
    took_s.sort()
    print(f"on the board: p50 {took_s[20]:.2f} s, p95 {took_s[37]:.2f} s")
    assert took_s[37] < patient_s(1), took_s
    assert window.said == []


async def test_B03_D09_who_was_cut_off_says_so_cannot_act_and_catches_up(
    chrome: BrowserContext, server: Running
) -> None:
    window = await board(chrome, server)
    page = window.page
    phone = server.phone()
    await phone.dials()
    await expect(page.locator("#board .call")).to_have_count(1, timeout=15_000)
    await page.locator("#board .open").click()
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    take = page.get_by_role("button", name="Take the call")
    await expect(take).to_be_enabled()
    await chrome.set_offline(True)
    await expect(page.locator("#fresh")).to_have_text("Offline: this is old", timeout=15_000)
    await expect(take).to_be_disabled()
    screen = await phone.types("2", "1")
    await chrome.set_offline(False)
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=20_000)
    await expect(page.locator("#lcd")).to_contain_text(screen.split("\n")[0], timeout=15_000)
    await expect(page.locator(".timeline li")).to_have_count(3)
    await expect(take).to_be_enabled()
    # The button is based on what was caught up with.
    await take.click()
    await expect(page.locator(".done")).to_contain_text("The call is yours")
    assert await acts(server) == ["taken"]


async def test_B03_a_call_that_is_not_there_yet_is_not_live_and_nothing_can_be_pressed(
    chrome: BrowserContext, server: Running
) -> None:
    """The feed told of a hop, but the page that has it does not come."""
    phone = server.phone()
    await phone.dials()
    await server.parts.transcripts.flush()
    page = (await signed_in(chrome, server)).page
    await page.goto(str(server.client.make_url("/dashboard/calls/1")))
    fresh, take = page.locator("#fresh"), page.get_by_role("button", name="Take the call")
    await expect(fresh).to_have_text(LIVE, timeout=15_000)
    await expect(take).to_be_enabled()
    asked = "**/dashboard/calls/*"
    await page.route(asked, lambda route: route.abort())
    screen = await phone.types("2")
    await expect(fresh).to_contain_text("Behind by", timeout=15_000)
    await expect(take).to_be_disabled()
    # Also once the feed has said that it is still there.
    await page.wait_for_timeout(6_000)
    await expect(fresh).to_contain_text("Behind by")
    await expect(take).to_be_disabled()
    await page.unroute(asked)
    await expect(page.locator("#lcd")).to_contain_text(screen.split("\n")[0], timeout=20_000)
    await expect(fresh).to_have_text(LIVE)
    await expect(take).to_be_enabled()
    await page.route(asked, lambda route: route.fulfill(status=404, body="gone"))
    await phone.types("1")
    await expect(fresh).to_have_text("Offline: this is old", timeout=15_000)
    await expect(take).to_be_disabled()


async def taken_call(chrome: BrowserContext, server: Running) -> tuple[Phone, Page]:
    """A caller on the first screen, and the page of whoever has taken their call."""
    phone = server.phone()
    await phone.dials()
    await server.parts.transcripts.flush()
    page = (await signed_in(chrome, server)).page
    await page.goto(str(server.client.make_url("/dashboard/calls/1")))
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    await page.get_by_role("button", name="Take the call").click()
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    return phone, page


async def test_what_is_half_written_goes_on_when_the_caller_does(
    chrome: BrowserContext, server: Running
) -> None:
    """Buttons wait for the new screen; a field that lost its focus would leave its keys to act."""
    phone, page = await taken_call(chrome, server)
    await page.get_by_label("One line for the next screen").press_sequentially("Kanda ")
    await page.route("**/dashboard/calls/*", lambda route: route.abort())
    screen = await phone.types("2")
    await expect(page.locator("#fresh")).to_contain_text("Behind by", timeout=15_000)
    await page.keyboard.type("bc2")
    await page.keyboard.press("Enter")
    await page.unroute("**/dashboard/calls/*")
    await expect(page.locator("#lcd")).to_contain_text(screen.split("\n")[0], timeout=20_000)
    field = page.get_by_label("One line for the next screen")
    await expect(field).to_have_value("Kanda bc2")
    await expect(field).to_be_focused()
    assert await acts(server) == ["taken"]


async def test_an_sms_that_is_half_written_stays_when_the_caller_hangs_up(
    chrome: BrowserContext, server: Running
) -> None:
    phone, page = await taken_call(chrome, server)
    field, line = page.get_by_label("An SMS"), page.get_by_label("One line for the next screen")
    await field.press_sequentially("Muraho, ")
    await expect(line).to_be_visible()
    # The last screen ends the call: a line for the next one has no place any more.
    await phone.types("2", "1", "1", PIN)
    assert phone.ended
    await expect(line).to_have_count(0, timeout=15_000)
    await expect(field).to_have_value("Muraho, ")
    await page.keyboard.type("ejo")
    await expect(field).to_have_value("Muraho, ejo")
    await page.get_by_role("button", name="Send the SMS").click()
    await expect(page.get_by_text("The SMS is on its way.")).to_be_visible()


async def test_B03_a_page_that_slept_says_that_it_is_behind(
    chrome: BrowserContext, server: Running
) -> None:
    window = await board(chrome, server)
    page = window.page
    client = await chrome.new_cdp_session(page)
    await client.send("Page.setWebLifecycleState", {"state": "frozen"})
    for msisdn in (FARMER, TEA, CRAFTS):
        await server.phone(msisdn).dials()
    await asyncio.sleep(3)
    await client.send("Page.setWebLifecycleState", {"state": "active"})
    await expect(page.locator("#board .call")).to_have_count(3, timeout=20_000)
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=20_000)
    marks = await page.eval_on_selector_all(
        "#board .call", "all => all.map(one => one.dataset.mark)"
    )
    assert len(set(marks)) == 3


async def test_a_caller_without_a_name_is_followed_past_many_other_calls(
    chrome: BrowserContext, server: Running
) -> None:
    """Their later hops were never found, and the page asked for them twice a second for ever."""
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await server.parts.transcripts.flush()
    window = await signed_in(chrome, server)
    page, asked = window.page, []
    await window.opens("/dashboard/calls/1")
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    take = page.get_by_role("button", name="Take the call")
    await take.click()
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    page.on("request", lambda one: asked.append(one.url) if "/calls/" in one.url else None)
    await server.parts.market.records.write(lambda db: db.execute(insert(transcripts), foreign()))
    screen = await phone.types("1")
    await expect(page.locator("#lcd")).to_contain_text(screen.split("\n")[0], timeout=20_000)
    await page.wait_for_timeout(2500)
    assert len(asked) <= 2, asked
    # What staff do is based on that screen, also where something was half written.
    await page.get_by_label("One line for the next screen").fill("Kanda 1")
    await page.get_by_role("button", name="Show it on the next screen").click()
    await expect(page.locator(".done")).to_be_visible()
    assert await acts(server) == ["taken", "line"]
    assert window.said == []


def foreign() -> list[dict[str, object]]:
    """As many hops of other calls as a busy hour has."""
    hop = {"owner": "", "place": "home.menu", "typed": "1", "shown": "Isoko", "micros": 900}
    more = {"hop": 1, "ends": 1, "language": "rw", "at_ms": int(time.time() * 1000)}
    return [{**hop, **more, "session_key": f"other {number}"} for number in range(6000)]


async def test_B04_D10_two_browsers_take_one_call(browser: Browser, server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await server.parts.transcripts.flush()
    pages = []
    for _one in range(2):
        context = await browser.new_context()
        window = await signed_in(context, server)
        await window.opens("/dashboard/calls/1")
        await expect(window.page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
        pages.append(window.page)
    first, second = pages
    # Both have the button as it was, also when the feed has told one of them meanwhile.
    await second.evaluate("feed.close()")
    await first.get_by_role("button", name="Take the call").click()
    await expect(first.locator(".done")).to_contain_text("The call is yours")
    await second.evaluate("document.querySelector('[data-do=take]').submit()")
    await expect(second.locator(".problem")).to_be_visible()
    assert await acts(server) == ["taken"]
    for page in pages:
        await page.context.close()


async def test_B10_a_stuck_call_is_found_read_and_called_back_with_few_keys(
    chrome: BrowserContext, server: Running
) -> None:
    lost = server.phone(TEA)
    await lost.dials()
    await lost.types("2", "1", "1", "7", "7", "7")
    await server.phone().dials()
    await server.parts.transcripts.flush()
    window = await signed_in(chrome, server)
    page, pressed = window.page, 0

    async def press(*keys: str) -> None:
        nonlocal pressed
        for key in keys:
            pressed += 1
            await page.keyboard.press(key)

    await page.locator("main").focus()
    await window.opens("/dashboard/call-backs")
    await press("g", "s")
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    # Those at risk come first.
    await press("j", "Enter")
    await expect(page.locator("h1")).to_contain_text("+2507•••••02")
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    await press("[", "[", "]")
    await expect(page.locator("#screen")).to_contain_text("screen 6 of 7")
    await press("c")
    await expect(page.locator(".done")).to_contain_text("on the list")
    assert pressed <= 12 and await acts(server) == ["call_back"]
    await press("g", "c")
    await expect(page.locator(".desk .wait")).to_have_count(1)
    # Nothing happens while one types, and all of it can be switched off.
    await window.opens("/dashboard/calls/1")
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    await page.get_by_role("button", name="Take the call").click()
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    field = page.get_by_label("One line for the next screen")
    await field.fill("")
    await field.press_sequentially("b?gs")
    await expect(field).to_have_value("b?gs")
    await page.locator("main").focus()
    await page.keyboard.press("?")
    await page.get_by_role("button", name="Switch the keys off").click()
    await page.locator("main").focus()
    await page.keyboard.press("b")
    await page.wait_for_timeout(300)
    assert await acts(server) == ["call_back", "taken"]
    assert window.said == []


async def filled(server: Running) -> list[str]:
    """The live pages with something on them."""
    for msisdn in (FARMER, TEA, CRAFTS):
        phone = server.phone(msisdn)
        await phone.dials()
        await phone.types("8", "6", "8")
    lost = server.phone(TEA)
    await lost.dials()
    await lost.types("2", "1", "1", "7", "7", "7")
    await server.parts.transcripts.flush()
    return ["calls", "calls/1", "calls/1?hop=2", "call-backs"]


async def test_B01_B05_B11_the_live_pages_fit_are_accessible_and_say_nothing(
    chrome: BrowserContext, server: Running
) -> None:
    paths = await filled(server)
    name = update(contacts).values(names=HOSTILE)
    await server.parts.market.records.write(lambda db: db.execute(name))
    window = await signed_in(chrome, server)
    page = window.page
    await window.opens("/dashboard/calls/1")
    await page.get_by_role("button", name="Take the call").click()
    for path in paths:
        await window.opens(f"/dashboard/{path}")
        if path != "call-backs":
            await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
        await fits(page, path)
        await is_accessible(page, path)
    assert window.said == []


@pytest.mark.parametrize("language", ["rw", "fr"])
async def test_B01_no_language_breaks_a_small_live_page(
    chrome: BrowserContext, server: Running, language: str
) -> None:
    paths = await filled(server)
    window = await signed_in(chrome, server)
    await window.page.click(f"button[value={language}]")
    for path in paths:
        await window.opens(f"/dashboard/{path}")
        await fits(window.page, path)


async def test_a_card_does_not_move_under_the_pointer(
    chrome: BrowserContext, server: Running
) -> None:
    window = await board(chrome, server)
    page = window.page
    await server.phone().dials()
    await expect(page.locator("#board .call")).to_have_count(1, timeout=15_000)
    await page.locator("#board .call").hover()
    await server.phone(TEA).dials()
    await expect(page.get_by_role("button", name="1 new: show them (n)")).to_be_visible(
        timeout=15_000
    )
    await expect(page.locator("#board .call")).to_have_count(1)
    await page.keyboard.press("n")
    await expect(page.locator("#board .call")).to_have_count(2)


async def test_B08_a_board_left_open_says_that_one_is_signed_out(
    chrome: BrowserContext, server: Running
) -> None:
    window = await board(chrome, server)
    other = await chrome.new_page()
    await other.goto(str(server.client.make_url("/dashboard/")))
    await other.get_by_role("button", name="Sign out").click()
    # A page that is closed on its way to another never says that it is closed.
    await other.wait_for_url("**/dashboard/sign-in**")
    await other.close()
    await expect(window.page.locator("#fresh")).to_contain_text("Signed out", timeout=20_000)


async def test_B09_another_site_cannot_listen(chrome: BrowserContext, server: Running) -> None:
    await signed_in(chrome, server)
    page = await chrome.new_page()
    # Another origin: the same server under its other name.
    here = str(server.client.make_url("/dashboard/feed")).replace("127.0.0.1", "localhost")
    await page.goto(str(server.client.make_url("/simulator/")))
    heard = await page.evaluate(
        """url => new Promise(done => {
            const source = new EventSource(url, { withCredentials: true });
            source.onmessage = () => done("heard");
            source.addEventListener("calls", () => done("heard"));
            source.onerror = () => { source.close(); done("refused"); };
        })""",
        here,
    )
    assert heard == "refused"


async def test_B16_the_live_pages_work_without_scripts(browser: Browser, server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2")
    await server.parts.transcripts.flush()
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(str(server.client.make_url(await demo_link(server))))
    await page.goto(str(server.client.make_url("/dashboard/calls")))
    await expect(page.locator("#board .call")).to_have_count(1)
    await page.get_by_role("link", name="Read the call").click()
    await page.locator("#before").click()
    await expect(page.locator("#screen")).to_contain_text("screen 1 of 2")
    await expect(page.locator("#lcd")).to_contain_text("Murakaza neza")
    await page.get_by_role("button", name="Take the call").click()
    await expect(page.locator(".done")).to_contain_text("The call is yours")
    await page.get_by_label("One line for the next screen").fill("Kanda 1")
    await page.get_by_role("button", name="Show it on the next screen").click()
    assert (await phone.types("00")).startswith("Ubufasha: Kanda 1\n")
    await context.close()


async def test_B17_a_link_to_a_screen_is_that_screen(
    chrome: BrowserContext, server: Running
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "0")
    await server.parts.transcripts.flush()
    window = await signed_in(chrome, server)
    page = window.page
    await window.opens("/dashboard/calls/1")
    await page.locator("#before").click()
    await page.locator("#before").click()
    await expect(page.locator("#screen")).to_contain_text("screen 2 of 4")
    assert page.url.endswith("?hop=2")
    await page.reload()
    await expect(page.locator("#screen")).to_contain_text("screen 2 of 4")
    await page.get_by_role("link", name="Tickets").click()
    await page.go_back()
    await expect(page.locator("#screen")).to_contain_text("screen 2 of 4")


async def test_B20_a_printed_call_has_dots_where_the_pin_was(
    chrome: BrowserContext, server: Running
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    await server.parts.transcripts.flush()
    window = await signed_in(chrome, server)
    await window.page.emulate_media(media="print", color_scheme="dark")
    await window.opens("/dashboard/calls/1")
    assert PIN not in await window.page.content()
    await expect(window.page.locator("kbd", has_text="•••••")).to_be_visible()


async def test_B15_the_board_is_light(chrome: BrowserContext, server: Running) -> None:
    weight = 0
    window = Window(await chrome.new_page(), server)
    await window.opens(await new_link(server, "amina", "agent"))
    await window.opens(await demo_link(server))
    await server.phone().dials()
    await server.parts.transcripts.flush()
    client = await chrome.new_cdp_session(window.page)
    await client.send("Network.enable")
    await client.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def add(event: dict) -> None:
        nonlocal weight
        weight += int(event["encodedDataLength"])

    client.on("Network.loadingFinished", add)
    await window.opens("/dashboard/calls")
    await expect(window.page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    assert 2_000 < weight < 60_000, weight


async def test_B17_a_narrowed_board_follows_its_calls_and_what_ended_stands_below(
    chrome: BrowserContext, server: Running
) -> None:
    window = await signed_in(chrome, server)
    page = window.page
    await window.opens("/dashboard/calls")
    await page.get_by_label("Conversation").select_option("orders")
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.wait_for_url("**flow=orders**")
    await expect(page.locator("#fresh")).to_have_text(LIVE, timeout=15_000)
    await server.phone(TEA).dials()
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1")
    await expect(page.locator("#board .call:not(.over)")).to_have_count(1, timeout=15_000)
    card = page.locator("#board .call")
    await expect(card.locator(".via")).to_have_text("USSD")
    await expect(card.locator(".typed kbd")).to_have_text("1")
    await expect(card.locator(".took")).to_contain_text(" ms")
    await expect(page.locator("#count")).to_contain_text("Calls that match: 1;")
    await phone.types("1", PIN)
    await expect(page.locator("#board .call:not(.over)")).to_have_count(0, timeout=15_000)
    # Nobody loads the page: what ended is asked for anew.
    ended = page.locator("#ended a.row")
    await expect(ended).to_contain_text("+2507•••••01", timeout=patient_s(20) * 1000)
    await page.reload()
    await expect(page.get_by_label("Conversation")).to_have_value("orders")
    await ended.click()
    await expect(page.locator(".timeline kbd", has_text="•••••")).to_be_visible()
    assert window.said == []
