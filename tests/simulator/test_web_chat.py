"""The chat beside the web phone in a real browser: the page, the pretended Telegram, our sender."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from bot.storage import outbox
from tests.server import Running

FARMER = 700_000_001
PDF = "JVBERi0xLjQKJSBhIHN0YXRlbWVudAo="


class Chat:
    """The page, everything its console said, and what the bot says."""

    def __init__(self, page: Page, server: Running) -> None:
        self.page, self.server, self.said, self.count = page, server, [], 0
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    async def bot(self, method: str, **args) -> None:
        """What the door would answer."""
        self.count += 1
        key = f"telegram:1:{self.count}"
        payload = {"chat_id": FARMER, "method": method, "args": args}
        await self.server.parts.market.records.write(
            lambda db: outbox.put(db, "telegram", key, payload, datetime.now(UTC))
        )
        self.server.parts.sender.wake()

    async def starts(self) -> None:
        await self.page.click("#start")
        await expect(self.page.locator("#talk .me")).to_contain_text("/start")
        keyboard = [[{"text": "Ibiciro", "callback_data": "v1"}, {"text": "Komande", "callback_data": "v2"}],
                    [{"text": "Ibindi", "callback_data": "v3"}]]  # fmt: skip
        await self.bot(
            "sendMessage",
            text="Murakaza neza kuri Isoko.",
            reply_markup={"inline_keyboard": keyboard},
        )
        await expect(self.page.locator("#talk")).to_contain_text("Murakaza neza")

    def telegram(self):
        return self.server.parts.sandbox.telegram


async def opened(
    browser: Browser, server: Running, scheme: str = "light", width: int = 1280
) -> Chat:
    # No door takes the updates here: they are looked at where they wait.
    server.parts.sandbox.telegram.delivery.url = ""
    page = await browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 1000})
    chat = Chat(page, server)
    await page.goto(str(server.client.make_url("/simulator/telegram")))
    await page.locator("#cast button").first.wait_for()
    await expect(page.locator("#start")).to_be_visible()
    return chat


def waiting(chat: Chat) -> list[dict]:
    return chat.telegram().delivery.waiting


async def test_a_chat_without_an_account_start_press_edit(
    browser: Browser, server: Running
) -> None:
    chat = await opened(browser, server)
    await chat.starts()
    assert waiting(chat)[-1]["message"]["text"] == "/start"
    await chat.page.click("#talk >> text=Komande")
    await expect(chat.page.locator(".row button.waiting")).to_have_text("Komande")
    query = waiting(chat)[-1]["callback_query"]
    assert (query["data"], query["from"]["id"], query["message"]["message_id"]) == ("v2", FARMER, 2)
    await chat.bot("answerCallbackQuery", callback_query_id=query["id"], text="Byarangiye")
    await chat.bot("editMessageText", message_id=2, text="KW-1042: 10 x 240,000 Frw")
    await expect(chat.page.locator("#toast")).to_have_text("Byarangiye")
    message = chat.page.locator("[data-id='2']")
    await expect(message).to_contain_text("KW-1042")
    await expect(message).to_contain_text("edited")
    await expect(message.locator("button")).to_have_count(0)
    await chat.page.click("#again")
    await expect(chat.page.locator("#chat-verdict")).to_have_text("")
    assert chat.said == []


async def test_words_a_contact_a_photo_and_a_document(
    browser: Browser, server: Running, tmp_path: Path
) -> None:
    chat = await opened(browser, server)
    await chat.starts()
    await chat.page.fill("#say", "12 kg")
    await chat.page.press("#say", "Enter")
    await expect(chat.page.locator("#talk")).to_contain_text("12 kg")
    # What is typed in the chat is not typed on the phone.
    await expect(chat.page.locator("#typed")).to_have_text("")
    share = {
        "keyboard": [[{"text": "Tanga nimero", "request_contact": True}]],
        "one_time_keyboard": True,
    }
    await chat.bot("sendMessage", text="Nimero yawe?", reply_markup=share)
    await chat.page.click("#shared >> text=Tanga nimero")
    await expect(chat.page.locator(".card")).to_contain_text("+250788000001")
    await expect(chat.page.locator("#shared")).to_be_hidden()
    assert waiting(chat)[-1]["message"]["contact"]["user_id"] == FARMER
    await chat.page.screenshot(
        path=tmp_path / "photo.png", clip={"x": 0, "y": 0, "width": 400, "height": 300}
    )
    await chat.page.set_input_files("#photo", tmp_path / "photo.png")
    await expect(chat.page.locator("#talk img")).to_be_visible()
    wide = "document.querySelector('#talk img').naturalWidth"
    await chat.page.wait_for_function(f"{wide} === 400")
    # A list goes as the file that it is.
    (tmp_path / "members.csv").write_text("0788000001\n")
    await chat.page.set_input_files("#photo", tmp_path / "members.csv")
    await expect(chat.page.locator(".file a")).to_have_text("members.csv")
    assert waiting(chat)[-1]["message"]["document"]["file_size"] == 11
    await chat.bot(
        "sendDocument", document={"file": PDF, "name": "statement.pdf"}, caption="Raporo"
    )
    link = chat.page.locator(".file a").last
    await expect(link).to_have_text("statement.pdf")
    path = await link.get_attribute("href")
    async with server.client.get(path) as answer:
        assert answer.content_type == "application/pdf" and (await answer.read()).startswith(
            b"%PDF"
        )
    assert chat.said == []


async def test_another_person_has_another_chat_and_who_blocks_is_told_nothing(
    browser: Browser, server: Running
) -> None:
    chat = await opened(browser, server)
    await chat.starts()
    await chat.page.click("#cast >> text=Tea farmer, French")
    await expect(chat.page.locator(".nothing")).to_be_visible()
    await chat.page.select_option("#person", "+250788000001")
    await expect(chat.page.locator("#talk")).to_contain_text("Murakaza neza")
    await chat.page.click("#block")
    await expect(chat.page.locator("#chat-state")).to_have_text("blocked by you")
    change = waiting(chat)[-1]["my_chat_member"]
    assert change["new_chat_member"]["status"] == "kicked"
    await chat.page.click("#start")
    await expect(chat.page.locator("#compose")).to_be_visible()
    assert [list(one)[1] for one in waiting(chat)[-2:]] == ["my_chat_member", "message"]


async def test_the_phone_beside_is_the_same_persons(browser: Browser, server: Running) -> None:
    chat = await opened(browser, server)
    await chat.page.click("#call")
    await expect(chat.page.locator("#screen")).to_contain_text("Murakaza neza")
    assert chat.said == []


async def test_the_commands_are_listed_in_the_persons_language(
    browser: Browser, server: Running
) -> None:
    chat = await opened(browser, server)
    assert (await server.parts.chats.introduction.tell()).said == "done"
    chat.telegram().delivery.url = ""
    await chat.page.click("#cast >> text=Tea farmer, French")
    await chat.page.click("#start")
    await expect(chat.page.locator("#compose")).to_be_visible()
    await expect(chat.page.locator("#talk .me")).to_contain_text("/start")
    await chat.page.click("#menu")
    await expect(chat.page.locator("#commands")).to_contain_text("/prices")
    await expect(chat.page.locator("#commands")).to_contain_text("Prix")
    await chat.page.click("#commands >> text=/prices")
    await expect(chat.page.locator("#talk")).to_contain_text("/prices")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_chat_is_accessible(browser: Browser, server: Running, scheme: str) -> None:
    chat = await opened(browser, server, scheme)
    await chat.starts()
    await chat.bot("sendDocument", document={"file": PDF, "name": "statement.pdf"})
    await expect(chat.page.locator(".file a")).to_be_visible()
    results = await Axe().run(chat.page)
    serious = [
        v["id"] for v in results.response["violations"] if v["impact"] in ("serious", "critical")
    ]
    assert serious == []


# How wide the words of the chosen one are, and how much room they have.
ROOM = """select => {
  const words = document.createElement("span");
  words.style.font = getComputedStyle(select).font;
  words.style.position = "absolute";
  words.style.whiteSpace = "nowrap";
  words.textContent = select.selectedOptions[0].text;
  document.body.append(words);
  const room = select.clientWidth - words.offsetWidth;
  words.remove();
  return room;
}"""


@pytest.mark.parametrize("width", [360, 1280])
async def test_as_whom_one_chats_and_every_command_is_seen_in_full(
    browser: Browser, server: Running, width: int
) -> None:
    chat = await opened(browser, server, width=width)
    assert (await server.parts.chats.introduction.tell()).said == "done"
    chat.telegram().delivery.url = ""
    person = chat.page.locator("#person")
    await person.select_option("+250788000005")
    # The arrow beside the words needs some too.
    assert await person.evaluate(ROOM) >= 24
    await chat.page.click("#start")
    await chat.page.click("#menu")
    await expect(chat.page.locator("#commands button")).to_have_count(9)
    box = chat.page.locator("#commands")
    assert await box.evaluate("e => e.scrollHeight <= e.clientHeight")
    assert await chat.page.evaluate("document.documentElement.scrollWidth") == width


async def test_the_chat_fits_a_small_phone(browser: Browser, server: Running) -> None:
    chat = await opened(browser, server, width=360)
    await chat.starts()
    assert await chat.page.evaluate("document.documentElement.scrollWidth") == 360
    box = await chat.page.locator("#chat").bounding_box()
    assert box["y"] < 250 and box["width"] <= 360
