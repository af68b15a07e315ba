"""Photos of an offer in the chat: fetched where one is expected, made anew, checked by staff."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image
from sqlalchemy import select

from bot.dashboard.access import demo_supervisor
from bot.market import stock_photos
from bot.market.pictures import NoPicture, made_anew
from bot.sandbox.telegram_bodies import Upload
from bot.storage import telegram_updates
from bot.storage.schema import stock_photos as rows
from bot.storage.schema import tickets
from bot.telegram.config import TelegramConfig
from bot.telegram.files import BYTES_MAX, Files, NotFetched, TooLarge
from tests.server import FARMER, Running, running
from tests.telegram.door import ALINE, Chat, link, said

TAKEN = "We have your photo. Buyers see it once we have checked it."


@pytest.fixture
async def server(tmp_path) -> AsyncIterator[Running]:
    async with running(tmp_path) as one:
        await link(one, FARMER)
        yield one


def jpeg(side: int = 2000, gps: bool = True) -> bytes:
    """A photo as a phone makes it: lying on its side, and saying where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "TellTale"
    if gps:
        exif.get_ifd(0x8825).update({1: "S", 2: (1.0, 41.0, 0.0), 3: "E", 4: (29.0, 45.0, 0.0)})
    made = io.BytesIO()
    Image.new("RGB", (side, side // 2), "brown").save(made, "JPEG", exif=exif, comment=b"secret")
    return made.getvalue()


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it is 40,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 5_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def sent(server: Running, data: bytes, size: int = 0) -> list[dict[str, Any]]:
    """The sizes of a photo that Telegram keeps, as a message names them."""
    file_id = server.parts.sandbox.telegram.chats.keep_file(Upload("p.jpg", "image/jpeg", data))
    return [{"file_id": file_id, "file_size": size or len(data), "width": 800, "height": 600}]


def a_file(server: Running, data: bytes, name: str) -> dict[str, Any]:
    file_id = server.parts.sandbox.telegram.chats.keep_file(Upload(name, "text/html", data))
    return {"file_id": file_id, "file_name": name, "file_size": len(data)}


async def at_my_stock(server: Running) -> Chat:
    """The chat of a farmer who looks at what she offers."""
    chat = Chat(server)
    await chat.types("/language")
    await chat.presses("English")
    await chat.types("/orders")
    await chat.presses("My stock")
    await chat.presses(next(label for label in chat.buttons if "kg" in label))
    assert "Send a photo of it here" in chat.text
    return chat


async def kept(server: Running) -> list[Any]:
    read = server.parts.market.records.read
    return list(await read(lambda db: db.execute(select(rows).order_by(rows.c.id)).all()))


async def last_said(server: Running) -> str:
    return (await said(server))[-1]["args"]["text"]


async def test_T18_a_photo_is_made_anew_and_waits_for_staff(server: Running) -> None:
    chat = await at_my_stock(server)
    update = chat.message(photo=sent(server, jpeg()))
    await chat.sends(update)
    assert await last_said(server) == TAKEN
    # Delivered again, it is there once.
    await chat.sends(update)
    (photo,) = await kept(server)
    assert photo.state == "waiting"
    with Image.open(io.BytesIO(photo.jpeg)) as shown:
        # Upright, smaller, and nothing of where and with what.
        assert (shown.format, shown.size) == ("JPEG", (640, 1280))
        assert not shown.getexif() and "comment" not in shown.info
    assert b"TellTale" not in photo.jpeg and b"secret" not in photo.jpeg
    # The buttons of the screen are good still.
    assert "Withdraw" in chat.buttons
    assert "Offer this no more?" in await chat.presses("Withdraw")


async def test_T18_what_is_no_photo_or_too_much_is_refused_and_said(server: Running) -> None:
    chat = await at_my_stock(server)
    html, svg = b"<html><script>alert(1)</script></html>", b"<svg><script>1</script></svg>"
    no_photo = "This is no photo that we can show. Send a photo."
    too_large = "This photo is too large. Send it as a photo, not as a file."
    await chat.sends(chat.message(photo=sent(server, b"x", size=50 * 1024 * 1024)))
    assert await last_said(server) == too_large
    for content, words in (
        ({"photo": sent(server, bomb())}, no_photo),
        ({"document": a_file(server, html, "a.jpg")}, no_photo),
        ({"document": a_file(server, svg, "a.svg")}, no_photo),
        ({"photo": sent(server, jpeg()[:900])}, no_photo),
        # It says that it is small, and is not.
        ({"photo": sent(server, b"\xff" * (BYTES_MAX + 1), size=900)}, too_large),
        (
            {"photo": [{"file_id": "of-nobody", "file_size": 9}]},
            "The photo did not arrive. Please send it again.",
        ),
    ):
        await chat.sends(chat.message(**content))
        assert await last_said(server) == words, content
    assert await kept(server) == []


async def test_T18_nothing_is_fetched_where_no_photo_is_expected(server: Running) -> None:
    chat, stranger = Chat(server), Chat(server, user_id=ALINE + 5)
    await chat.types("/prices")
    fetched = []
    files = server.parts.updates._applying._photographing._files
    real = files.fetch
    files.fetch = lambda file_id: fetched.append(file_id) or real(file_id)
    await chat.sends(chat.message(photo=sent(server, jpeg())))
    await stranger.sends(stranger.message(photo=sent(server, jpeg())))
    await stranger.sends(stranger.message(document=a_file(server, b"<html>", "a.html")))
    assert fetched == [] and await kept(server) == []


async def test_staff_show_or_refuse_it_once_and_the_ticket_closes_with_the_last(
    server: Running,
) -> None:
    chat = await at_my_stock(server)
    for _photo in range(6):
        await chat.sends(chat.message(photo=sent(server, jpeg(400))))
    assert await last_said(server) == "This offer has enough photos already."
    photos, write = await kept(server), server.parts.market.records.write
    assert len(photos) == 4
    now, by = datetime.now(UTC), demo_supervisor.NAME
    await write(lambda db: demo_supervisor.demo_link(db, now))

    async def decide(photo, shown: bool, by: str = by) -> str:
        return await write(lambda db: stock_photos.decide(db, photo.id, by, shown=shown, now=now))

    async def ticket() -> str:
        query = select(tickets.c.state).where(tickets.c.category == "photo")
        return await write(lambda db: db.execute(query).scalar_one())

    assert await decide(photos[0], True, "nobody") == "not_staff"
    assert await decide(photos[0], True) == "shown" and await decide(photos[0], False) == "before"
    assert "checked your photo: buyers see it" in await last_said(server)
    assert await decide(photos[1], False) == "refused" and await ticket() == "open"
    assert "nobody's face" in await last_said(server)
    assert [await decide(one, True) for one in photos[2:]] == ["shown", "shown"]
    assert await ticket() == "closed"
    states = [(one.state, bool(one.jpeg)) for one in await kept(server)]
    assert states == [("shown", True), ("refused", False), ("shown", True), ("shown", True)]


@pytest.mark.parametrize(
    "raw", [b"", b"GIF89a", b"%PDF-1.7", jpeg()[:300], bomb(), b"\xff\xd8\xff"]
)
def test_what_cannot_be_unpacked_is_no_picture(raw: bytes) -> None:
    with pytest.raises(NoPicture):
        made_anew(raw)


def test_a_picture_is_turned_as_its_camera_says_and_one_too_large_to_unpack_is_refused() -> None:
    tall, exif = Image.new("RGB", (3000, 2000), "red"), Image.Exif()
    exif[0x0112] = 6
    sent_as = io.BytesIO()
    tall.save(sent_as, "JPEG", exif=exif)
    with Image.open(io.BytesIO(made_anew(sent_as.getvalue()))) as made:
        assert made.size == (853, 1280) and not made.getexif()
    large = io.BytesIO()
    Image.new("1", (5000, 4100)).save(large, "PNG")
    with pytest.raises(NoPicture):
        made_anew(large.getvalue())


async def test_T18_a_server_that_lies_about_the_size_is_not_read_to_its_end() -> None:
    """Also where the file's own side says little, sends much, or leads elsewhere."""
    read_to_the_end = []

    async def get_file(request: web.Request) -> web.Response:
        wanted = (await request.json())["file_id"]
        path = {"up": "../../x", "away": "away"}.get(wanted, "photos/1.jpg")
        return web.json_response({"ok": True, "result": {"file_path": path, "file_size": 10}})

    async def much(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _part in range(200):
            await answer.write(b"x" * 1024 * 1024)
        read_to_the_end.append(True)
        return answer

    async def away(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/file/bot1:t/photos/1.jpg")

    app = web.Application()
    app.router.add_post("/bot1:t/getFile", get_file)
    app.router.add_get("/file/bot1:t/photos/1.jpg", much)
    app.router.add_get("/file/bot1:t/away", away)
    async with TestServer(app) as outside, aiohttp.ClientSession() as http:
        base = f"{outside.make_url('/bot')}"
        files = Files(http, TelegramConfig(base, "1:t", "", "", "webhook", 5.0))
        with pytest.raises(TooLarge):
            await files.fetch("much")
        for file_id in ("up", "away"):
            with pytest.raises(NotFetched):
                await files.fetch(file_id)
    assert read_to_the_end == []


@pytest.mark.usefixtures("either_store")
async def test_what_the_database_asks_to_write_once_more_is_said_once(
    tmp_path, monkeypatch
) -> None:
    applied, times = telegram_updates.applied, []

    def once_more(db, *args) -> None:
        applied(db, *args)
        times.append(1)
        if len(times) == 1 and db.dialect.name == "postgresql":
            db.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")

    async with running(tmp_path) as server:
        await link(server, FARMER)
        chat = await at_my_stock(server)
        before = len(await said(server))
        monkeypatch.setattr(telegram_updates, "applied", once_more)
        await chat.sends(chat.message(photo=sent(server, jpeg())))
        assert [one["args"]["text"] for one in (await said(server))[before:]] == [TAKEN]
