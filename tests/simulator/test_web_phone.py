"""The web phone in a real browser, against the real server."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from bot.sandbox.switches import Switches
from tests.phone import PIN
from tests.server import Running, running
from tests.test_payout_loop import pay


class Web:
    """The page, and everything its console said."""

    def __init__(self, page: Page) -> None:
        self.page, self.said = page, []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    async def types(self, *entries: str) -> None:
        waiting = self.page.locator(".screen.waiting")
        for entry in entries:
            # What is typed before the screen is there waits on the line, and more is added to it.
            await expect(waiting).to_have_count(0)
            await self.page.keyboard.type(entry)
            await self.page.keyboard.press("Enter")
        await expect(waiting).to_have_count(0)

    async def shows(self, text: str) -> None:
        await expect(self.page.locator("#screen")).to_contain_text(text)


async def opened(
    browser: Browser, server: Running, scheme: str = "light", width: int = 1280
) -> Web:
    view = {"width": width, "height": 1000}
    page = await browser.new_page(color_scheme=scheme, viewport=view)
    web = Web(page)
    await page.goto(str(server.client.make_url("/simulator/")))
    await page.locator("#cast button").first.wait_for()
    return web


async def test_no_pin_stands_on_the_wire_also_when_more_is_typed_after_it(
    browser: Browser, server: Running
) -> None:
    web = await opened(browser, server)
    await web.page.click("#call")
    await web.types("2", "1", "1", "80642", "80643", "00")
    wire = await web.page.locator("#wire").text_content()
    assert "80642" not in wire and "80643" not in wire and wire.count("•••••") >= 4


async def test_a_farmer_accepts_and_reads_the_sms(browser: Browser, server: Running) -> None:
    web = await opened(browser, server)
    await web.page.click("#call")
    await web.shows("Murakaza neza")
    await web.types("2", "1", "1")
    await web.shows("Emera KW-1042")
    await web.page.keyboard.type(PIN)
    await expect(web.page.locator("#typed")).to_have_text("•••••")
    await web.page.keyboard.press("Enter")
    await web.shows("Wemeye komande KW-1042")
    await web.shows("Call ended.")
    await expect(web.page.locator("#inbox")).to_contain_text("wemeye komande KW-1042")
    await web.page.click("summary")
    assert PIN not in await web.page.locator("#wire").text_content()
    assert web.said == []


async def test_a_repeat_shows_the_same_bytes_and_a_lost_reply_comes_again(
    browser: Browser, server: Running
) -> None:
    web = await opened(browser, server)
    await web.page.click("#call")
    await web.shows("Murakaza neza")
    await web.types("1")
    await web.page.click("#resend")
    await expect(web.page.locator("#verdict")).to_contain_text("Same bytes")
    await web.page.click("#drop")
    await web.types("1")
    await web.shows("No reply came")
    await web.page.click("#resend")
    await web.shows("Ikawa y'ibitumbwe")
    await expect(web.page.locator("#septets")).to_contain_text("/160")


async def test_a_redial_offers_to_go_on(browser: Browser, server: Running) -> None:
    web = await opened(browser, server)
    await web.page.click("#call")
    await web.shows("Murakaza neza")
    await web.types("2", "1")
    await web.page.click("#redial")
    await web.shows("KW-1042")
    await web.shows("1 Komereza aho wari ugeze")


async def test_a_long_code_and_another_caller(browser: Browser, server: Running) -> None:
    web = await opened(browser, server)
    await web.page.click("text=Crafts maker, English")
    await web.page.fill("#code", "*384*801*1#")
    await web.page.click("#call")
    await web.shows("1 Coffee cherries")


async def test_a_typed_number_is_the_caller_and_no_other_is_highlighted(
    browser: Browser, server: Running
) -> None:
    web = await opened(browser, server)
    pressed = web.page.locator("#cast [aria-pressed=true]")
    await expect(pressed).to_have_count(1)
    await web.page.fill("#msisdn", "+250788000077")
    await expect(pressed).to_have_count(0)
    await web.page.fill("#msisdn", "+250788000002")
    await expect(pressed).to_contain_text("Tea farmer, French")
    await expect(web.page.locator("#caller")).to_have_text("Tea farmer, French")


@pytest.mark.parametrize("code", ["*999#", "*384*80#", "*384*8012#", ""])
async def test_a_code_that_is_not_ours_reaches_nobody(
    browser: Browser, server: Running, code: str
) -> None:
    web = await opened(browser, server)
    await web.page.fill("#code", code)
    await web.page.click("#call")
    await web.shows("This code is not Isoko's; dial *384*801#")
    await expect(web.page.locator("#wire li")).to_have_count(0)
    await web.page.fill("#code", "*384*801*2*1#")
    await web.page.click("#call")
    await web.shows("KW-1042")
    await expect(web.page.locator("#wire li")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_is_accessible(browser: Browser, server: Running, scheme: str) -> None:
    web = await opened(browser, server, scheme)
    await web.page.click("#call")
    await web.shows("Murakaza neza")
    results = await Axe().run(web.page)
    serious = [
        v["id"] for v in results.response["violations"] if v["impact"] in ("serious", "critical")
    ]
    assert serious == []


async def test_the_page_fits_a_small_phone(browser: Browser, server: Running) -> None:
    web = await opened(browser, server, width=360)
    assert await web.page.evaluate("document.documentElement.scrollWidth") == 360


async def test_in_production_there_is_no_web_phone(tmp_path) -> None:
    strong = "a-strong-secret-for-this-test"
    names = ("SECRET_KEY", "PIN__PEPPER", "MOMO__SUBSCRIPTION_KEY", "MOMO__API_USER", "MOMO__API_KEY", "SMS__USERNAME",
             "SMS__API_KEY", "METRICS__TOKEN", "USSD__SECRETS__AFRICASTALKING")  # fmt: skip
    secrets = {f"ISOKO_{name}": strong for name in names}
    async with running(tmp_path, ISOKO_ENV="production", **secrets) as server:
        for path in ("/simulator/", "/", "/simulator/static/phone.js", "/ussd/africastalking"):
            async with server.client.get(path) as answer:
                assert answer.status == 404
        headers = {"X-Forwarded-For": "1.2.3.4"}
        async with server.client.get("/metrics", headers=headers) as answer:
            assert answer.status == 404
        headers["Authorization"] = f"Bearer {strong}"
        async with server.client.get("/metrics", headers=headers) as answer:
            assert answer.status == 200


async def test_the_page_shows_what_waits_and_for_whom(browser: Browser, server: Running) -> None:
    web = await opened(browser, server)
    waits = web.page.locator("#waiting")
    await expect(waits).to_be_hidden()
    server.parts.sandbox.momo.switches = Switches(answer_503=True)
    await pay(server, 60_000)
    await expect(waits).to_contain_text("KW-77: 60,000 Frw to +250788000001")
    await pay(server, 3_000_001)
    await expect(waits).to_contain_text("3,000,001 Frw to +250788000001two people must release it")
    server.parts.sandbox.momo.switches = Switches(settle_after_s=0.1)
    await expect(waits).not_to_contain_text("60,000 Frw to", timeout=20_000)
    assert web.said == []


async def test_an_amount_is_not_torn_from_its_unit(browser: Browser, server: Running) -> None:
    web = await opened(browser, server, width=360)
    for name in ("#float", "#airtel-float"):
        await expect(web.page.locator(name)).to_have_text("500,000,000 Frw")
        lines = await web.page.locator(name).evaluate("e => e.getClientRects().length")
        assert lines == 1, name


async def test_the_whole_phone_is_on_a_small_screen_and_its_ring_hides_no_letter(
    browser: Browser, server: Running
) -> None:
    web = await opened(browser, server, width=360)
    await web.page.click("#call")
    await web.shows("9 Ururimi")
    screen = web.page.locator("#screen")
    assert await screen.evaluate("e => e.scrollHeight <= e.clientHeight")
    assert await screen.evaluate("e => parseFloat(getComputedStyle(e).paddingLeft) >= 4")
    end = await web.page.locator(".phone").evaluate("e => e.getBoundingClientRect().bottom")
    assert end <= 740
    await web.page.click("text=Who is calling?")
    await web.page.click("text=Tea farmer, French")
    await expect(web.page.locator("#caller")).to_have_text("Tea farmer, French")
    await expect(web.page.locator("#call")).to_be_in_viewport()


async def test_names_can_be_typed_without_a_keyboard(browser: Browser, server: Running) -> None:
    # On a touch screen the line itself opens the screen's own keyboard.
    web = await opened(browser, server, width=360)
    await web.page.click("text=Unknown caller")
    await web.page.click("#call")
    await web.types("3", "6", "1")
    await web.shows("Enter your names:")
    await web.page.click("#letters")
    await web.page.keyboard.type("Uwase Ange")
    await expect(web.page.locator("#typed")).to_have_text("Uwase Ange")
    await web.page.keyboard.press("Enter")
    await web.shows("Choose your province:")
    await expect(web.page.locator("#typed")).to_have_text("")


async def test_a_message_to_us_is_seen_as_it_is_written(browser: Browser, server: Running) -> None:
    web = await opened(browser, server)
    await web.page.click("#call")
    await web.shows("1 Ibiciro")
    await web.types("8", "7")
    await web.shows("Ntukandike umubare w'ibanga")
    await web.page.keyboard.type("Igiciro")
    await expect(web.page.locator("#typed")).to_have_text("Igiciro")
