"""A statement in the chat: after the PIN, as a PDF or a table, to the person's own chat alone."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zlib
from base64 import a85decode
from collections.abc import AsyncIterator

import pytest

from bot.market import telegram_links
from bot.storage.schema import outbox
from tests.phone import PIN
from tests.server import FARMER, Running, running
from tests.telegram.door import ALINE, Chat, link


@pytest.fixture
async def server(tmp_path) -> AsyncIterator[Running]:
    async with running(tmp_path) as one:
        one.parts.sandbox.telegram.people.says(
            {"id": ALINE, "first_name": "Aline", "language_code": "en", "phone": FARMER}, "/start"
        )
        await link(one, FARMER)
        yield one


async def documents(server: Running, count: int) -> list[tuple[str, bytes]]:
    """The files in the chat as its person sees it: name and bytes."""
    box = server.parts.sandbox.telegram
    async with asyncio.timeout(30):
        while True:
            chat = box.chats.known(ALINE)
            found = [one["document"] for one in chat.messages.values() if "document" in one]
            if len(found) >= count:
                return [(one["file_name"], box.chats.files[one["file_id"]].data) for one in found]
            await asyncio.sleep(0.1)


async def at_the_statement(server: Running) -> Chat:
    chat = Chat(server)
    await chat.types("/language")
    await chat.presses("English")
    await chat.types("/menu")
    await chat.presses("Payments")
    await chat.presses("Statement")
    await chat.types(PIN)
    assert "Total received" in chat.text
    return chat


async def test_a_seller_has_the_statement_as_a_table_and_as_a_pdf(server: Running) -> None:
    chat = await at_the_statement(server)
    assert await chat.presses("CSV to my chat") == "The statement comes to your chat."
    await chat.presses("Statement")
    await chat.presses("PDF to my chat")
    (csv_name, table), (pdf_name, paper) = await documents(server, 2)
    assert csv_name.endswith(".csv") and pdf_name.endswith(".pdf")
    rows = list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))
    assert rows[0][0] == "Date" and rows[-1][-1] == "240000"
    assert paper.startswith(b"%PDF-") and _pages(paper) == 1


async def test_a_repeated_press_sends_one_and_no_row_holds_the_money(server: Running) -> None:
    chat = await at_the_statement(server)
    press = chat.press_of(chat.buttons["PDF to my chat"])
    again = {**press, "update_id": press["update_id"] + 5000}
    await chat.sends(press, press, again)
    read = server.parts.market.records.read
    kept = await read(
        lambda db: db.execute(outbox.select().where(outbox.c.kind == "telegram")).all()
    )
    asked = [one for one in kept if one.payload["method"] == "sendDocument"]
    assert len(asked) == 1 and "240" not in str(asked[0].payload)


async def test_who_unlinks_before_it_leaves_is_sent_nothing(server: Running) -> None:
    chat = await at_the_statement(server)
    # Nothing leaves while this test holds the sender back.
    server.parts.work["telegram"].cancel()
    await chat.presses("PDF to my chat")
    now = server.parts.engine._clock()
    await server.parts.market.records.write(lambda db: telegram_links.unlink(db, ALINE, now))
    for _round in range(3):
        await server.parts.chats.sender.carry_out()
    box = server.parts.sandbox.telegram.chats.known(ALINE)
    assert not any("document" in one for one in box.messages.values())


async def test_on_the_phone_too_where_there_is_a_chat_and_not_before_the_pin(
    server: Running,
) -> None:
    phone = server.phone(FARMER)
    await phone.dials()
    screen = await phone.types("3", "2")
    assert "PDF" not in screen
    shown = await phone.types(PIN)
    while "PDF" not in shown:
        shown = await phone.types("99")
    await phone.types(re.search(r"(\d)\.? PDF", shown)[1])
    ((name, paper),) = await documents(server, 1)
    assert name.endswith(".pdf") and paper.startswith(b"%PDF-")


def _pages(paper: bytes) -> int:
    """How many pages a PDF has; its parts are packed."""
    text = paper
    for part in re.findall(rb"stream\r?\n(.*?)endstream", paper, re.DOTALL):
        try:
            text += zlib.decompress(a85decode(part.strip(), adobe=False))
        except (ValueError, zlib.error):
            continue
    return len(re.findall(rb"/Type /Page\b", text))
