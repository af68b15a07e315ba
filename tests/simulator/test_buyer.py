"""The buyer's page in a real browser: it orders, a farmer answers, the news comes back signed."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from bot.dashboard.access import demo_supervisor
from bot.hub.signing import sign
from bot.market import Actor, people, stock_listings, stock_photos, subscriptions
from tests.hub.test_stock import jpeg
from tests.patience import patient_s
from tests.server import FARMER, Running


async def opened(
    browser: Browser, server: Running, width: int = 1280, scheme: str = "light"
) -> Page:
    page = await browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    await page.goto(str(server.client.make_url("/simulator/buyer")))
    return page


async def test_an_order_goes_in_and_its_acceptance_comes_back(
    browser: Browser, server: Running
) -> None:
    page = await opened(browser, server)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.fill("input[name=packs]", "10")
    await page.click("text=Send the order")
    await expect(page.locator("#said")).to_contain_text("kept")
    code = re.search(r"KW-\d+", await page.inner_text("#said"))[0]
    await expect(page.locator("#news")).to_contain_text(f"order.allocated {code}")
    asked = page.locator("#orders tr").first
    await expect(asked).to_contain_text(f"{FARMER} offered")
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("2")
    await phone.picks(f"Komande nshya {code}")
    await phone.types("1", "73914")
    await expect(page.locator("#news")).to_contain_text(f"order.accepted {code} 10 of 10")
    await expect(page.locator("#orders")).to_contain_text("filled10 of 10")
    await expect(asked).to_contain_text(f"{FARMER} accepted")
    # The call began and ended too, which is no news for a buyer.
    await expect(page.locator("#news")).not_to_contain_text("session.")
    assert said == []
    await page.close()


async def test_a_flash_sale_and_a_cancellation(browser: Browser, server: Running) -> None:
    page = await opened(browser, server)
    await page.fill("input[name=orders]", "25")
    await page.click("text=Send all at once")
    await expect(page.locator("#said")).to_contain_text("25 of 25 kept")
    await expect(page.locator("#orders tr")).to_have_count(12)
    await page.locator("#orders button").first.click()
    await expect(page.locator("#said")).to_contain_text(": cancelled")
    await expect(page.locator("#orders tr").first).to_contain_text("cancelled")
    await expect(page.locator("#news")).to_contain_text("order.cancelled")
    await page.close()


@pytest.mark.parametrize(
    ("field", "typed", "button", "says"),
    [
        (
            "price",
            "-5",
            "Send the order",
            "Francs a pack must be a whole number from 1 to 5,000,000",
        ),
        ("packs", "99999999", "Send the order", "Packs must be a whole number from 1 to 100,000"),
        ("packs", "", "Send the order", "Packs must be"),
        (
            "orders",
            "2e3",
            "Send all at once",
            "Orders of one pack must be a whole number from 1 to",
        ),
    ],
)
async def test_a_field_that_is_wrong_is_named_in_plain_words(
    browser: Browser, server: Running, field: str, typed: str, button: str, says: str
) -> None:
    page = await opened(browser, server)
    await page.fill(f"input[name={field}]", typed)
    await page.click(f"text={button}")
    await expect(page.locator("#said")).to_contain_text(says)
    await expect(page.locator("#orders tr")).to_have_count(0)
    await page.fill("input[name=packs]", "5")
    await page.fill("input[name=price]", "16000")
    await page.click("text=Send the order")
    await expect(page.locator("#came")).to_have_text("1 signed message")
    await page.close()


async def test_a_photo_that_staff_let_through_is_seen_by_the_buyer(
    browser: Browser, server: Running
) -> None:
    records, now = server.parts.market.records, datetime.now(UTC)

    def photographed(db: Any) -> int:
        farmer = people.by_msisdn(db, FARMER)
        assert farmer is not None
        (listing,) = stock_listings.mine(db, farmer.id)
        actor = Actor(f"contact:{farmer.id}", "test", "photo-1", farmer.id)
        assert stock_photos.keep(db, actor, listing.id, jpeg(), now) == "kept"
        demo_supervisor.demo_link(db, now)
        return stock_photos.listed(db, "waiting")[0].id

    photo_id = await records.write(photographed)
    page = await opened(browser, server)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    goods = page.locator("#goods li")
    await expect(goods).to_have_count(1)
    await expect(goods).to_contain_text("Coffee cherries, A1")
    await expect(goods).to_contain_text("300 kg, 700 Frw a kg")
    await expect(goods).to_contain_text("No photo yet")
    who = demo_supervisor.NAME
    decided = await records.write(
        lambda db: stock_photos.decide(db, photo_id, who, shown=True, now=now)
    )
    assert decided == "shown"
    picture = goods.locator("img")
    # The page asks for them every five seconds.
    soon_ms = patient_s(20) * 1000
    await expect(picture).to_have_attribute("alt", "Coffee cherries, Gakenke", timeout=soon_ms)
    await picture.scroll_into_view_if_needed()
    await page.wait_for_function("document.querySelector('#goods img').naturalWidth === 40")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    for word in ("788000001", "Mukamana", "Claudine"):
        await expect(page.locator("#goods")).not_to_contain_text(word)
    assert said == []
    async with server.client.get("/simulator/buyer/photos/999.jpg") as response:
        assert response.status == 404
    await page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_is_accessible_and_fits_a_small_screen(
    browser: Browser, server: Running, scheme: str
) -> None:
    page = await opened(browser, server, 360, scheme)
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_small_screen_an_order_is_a_card_and_can_be_cancelled(
    browser: Browser, server: Running, scheme: str
) -> None:
    page = await opened(browser, server, 360, scheme)
    await page.click("text=Send the order")
    cancel = page.locator("#orders button")
    await expect(cancel).to_be_visible()
    # All who can be are asked: from here on the row stands still.
    await expect(page.locator("#orders")).to_contain_text(f"{FARMER} offered")
    assert await page.locator(".outcome").evaluate("e => e.scrollWidth <= e.clientWidth")
    for cell in await page.locator("#orders td").all():
        box = await cell.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert await cancel.evaluate("e => e.offsetWidth") > 200
    await cancel.click()
    await expect(page.locator("#orders tr").first).to_contain_text("cancelled")
    await page.close()


async def test_what_is_not_signed_is_not_shown(server: Running) -> None:
    async with server.client.post("/simulator/buyer/hook", data=b"{}") as response:
        assert response.status == 401
    async with server.client.post("/simulator/buyer/order", data=b'{"packs": "x"}') as response:
        assert response.status == 400


async def test_after_a_restart_news_counts_though_nobody_has_opened_the_page(
    server: Running,
) -> None:
    hook = str(server.client.make_url("/simulator/buyer/hook"))
    now = datetime.now(UTC)
    secret = await server.parts.market.records.write(lambda db: subscriptions.once(db, hook, now))
    body = '{"type":"order.accepted","data":{}}'
    headers = sign("msg_1", now, body, [secret])
    async with server.client.post("/simulator/buyer/hook", data=body, headers=headers) as answer:
        assert answer.status == 204
    forged = {**headers, "webhook-signature": "v1,AAAA"}
    async with server.client.post("/simulator/buyer/hook", data=body, headers=forged) as answer:
        assert answer.status == 401
