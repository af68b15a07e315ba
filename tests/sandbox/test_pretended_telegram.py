"""The pretended Telegram is as strict as the real one: its forms, its limits, how it delivers."""

import asyncio
import json
import time
from itertools import pairwise

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox.server import start_sandbox
from bot.sandbox.telegram import TOKEN

ALINE = {"id": 700100200, "first_name": "Aline", "language_code": "rw"}


class Api:
    """Calls to the Bot API, whichever way they are written."""

    def __init__(self, box, http: aiohttp.ClientSession) -> None:
        self.box, self.http, self.telegram = box, http, box.telegram
        self.telegram.flood.period_s = 0.0

    async def call(self, method: str, token: str = TOKEN, **args):
        async with self.http.post(f"{self.box.url}/bot{token}/{method}", json=args) as answer:
            return answer.status, await answer.json()

    async def refused(self, method: str, **args) -> str:
        status, said = await self.call(method, chat_id=ALINE["id"], **args)
        assert (status, said["ok"], said["error_code"]) == (400, False, 400), said
        return said["description"].removeprefix("Bad Request: ")


@pytest.fixture
async def api():
    box = await start_sandbox("127.0.0.1", 0)
    async with aiohttp.ClientSession() as http:
        one = Api(box, http)
        one.telegram.people.says(ALINE, "/start")
        yield one
    await box.stop()


def buttons(count: int, data: str = "x", in_a_row: int = 8) -> dict:
    row = [{"text": "a", "callback_data": data}]
    rows = [row * min(in_a_row, count - at) for at in range(0, count, in_a_row)]
    return {"inline_keyboard": rows}


async def test_all_three_forms_say_the_same(api: Api) -> None:
    url, keyboard = f"{api.box.url}/bot{TOKEN}/sendMessage", buttons(1)
    form = {"chat_id": str(ALINE["id"]), "text": "x", "reply_markup": json.dumps(keyboard)}
    many = aiohttp.FormData(form)
    many.add_field("unused", b"a file", filename="a.txt")
    for how in (
        {"data": form},
        {"data": many},
        {"json": {**form, "reply_markup": keyboard}},
        {"params": form},
    ):
        async with api.http.post(url, **how) as answer:
            said = await answer.json()
            assert answer.status == 200 and said["result"]["reply_markup"] == keyboard
            assert said["result"]["chat"] == {
                "id": ALINE["id"],
                "first_name": "Aline",
                "type": "private",
            }


async def test_who_we_are_and_who_we_are_not(api: Api) -> None:
    status, said = await api.call("getMe")
    assert (status, said["result"]["is_bot"]) == (200, True)
    wrong = {"ok": False, "error_code": 401, "description": "Unauthorized"}
    assert await api.call("getMe", token="1:another") == (401, wrong)
    assert (await api.call("getMe", token="nonsense"))[0] == 404
    assert (await api.call("noSuchMethod"))[0] == 404


async def test_the_limits_of_the_api(api: Api) -> None:
    chat = {"chat_id": ALINE["id"]}
    assert (await api.call("sendMessage", **chat, text="a" * 4096))[0] == 200
    assert await api.refused("sendMessage", text="a" * 4097) == "message is too long"
    # Telegram counts as UTF-16 does: an emoji is two.
    assert await api.refused("sendMessage", text="😀" * 2049) == "message is too long"
    assert await api.refused("sendMessage", text=" ") == "message text is empty"
    assert (await api.call("sendMessage", **chat, text="x", reply_markup=buttons(100)))[0] == 200
    assert "too long" in await api.refused("sendMessage", text="x", reply_markup=buttons(101))
    assert "in a row" in await api.refused(
        "sendMessage", text="x", reply_markup=buttons(9, in_a_row=9)
    )
    assert (await api.call("sendMessage", **chat, text="x", reply_markup=buttons(1, "é" * 32)))[
        0
    ] == 200
    for data in ("", "é" * 32 + "x"):
        said = await api.refused("sendMessage", text="x", reply_markup=buttons(1, data))
        assert said == "BUTTON_DATA_INVALID"
    assert "unallowed" in await api.refused(
        "sendMessage", text="x", reply_markup={"inline_keyboard": [[{"text": "a"}]]}
    )
    assert "parse" in await api.refused("sendMessage", text="x", reply_markup="{")
    press = api.telegram.people.presses(ALINE, 2, "x")
    assert (
        await api.refused("answerCallbackQuery", callback_query_id=press, text="a" * 201)
        == "MESSAGE_TOO_LONG"
    )
    bad = {"command": "Prices", "description": "x"}
    assert await api.refused("setMyCommands", commands=[bad]) == "BOT_COMMAND_INVALID"


async def test_edits_and_what_cannot_be_edited(api: Api) -> None:
    _status, sent = await api.call(
        "sendMessage", chat_id=ALINE["id"], text="x", reply_markup=buttons(1)
    )
    number = sent["result"]["message_id"]
    same = await api.refused(
        "editMessageText", message_id=number, text="x", reply_markup=buttons(1)
    )
    assert same.startswith("message is not modified")
    _status, said = await api.call(
        "editMessageText", chat_id=ALINE["id"], message_id=number, text="x"
    )
    assert "reply_markup" not in said["result"] and said["result"]["edit_date"]
    assert await api.refused("editMessageReplyMarkup", message_id=number) == same
    assert (
        await api.refused("editMessageText", message_id=99, text="x") == "message to edit not found"
    )
    assert await api.refused("editMessageText", message_id=1, text="x") == "message can't be edited"
    assert (await api.call("deleteMessage", chat_id=ALINE["id"], message_id=1))[0] == 200
    assert await api.refused("deleteMessage", message_id=1) == "message to delete not found"


async def test_a_press_is_answered_once(api: Api) -> None:
    press = api.telegram.people.presses(ALINE, 1, "x")
    assert (await api.call("answerCallbackQuery", callback_query_id=press, text="ok"))[0] == 200
    status, said = await api.call("answerCallbackQuery", callback_query_id=press)
    assert status == 400 and "query is too old" in said["description"]


async def test_who_is_not_there_and_who_has_blocked_us(api: Api) -> None:
    status, said = await api.call("sendMessage", chat_id=5, text="x")
    assert (status, said["description"]) == (400, "Bad Request: chat not found")
    api.telegram.people.blocks(ALINE)
    status, said = await api.call("sendMessage", chat_id=ALINE["id"], text="x")
    assert (status, said["description"]) == (403, "Forbidden: bot was blocked by the user")
    change = api.telegram.delivery.waiting[-1]["my_chat_member"]
    assert change["new_chat_member"] == {
        "user": change["old_chat_member"]["user"],
        "status": "kicked",
        "until_date": 0,
    }
    api.telegram.people.says(ALINE, "again")
    assert (await api.call("sendMessage", chat_id=ALINE["id"], text="x"))[0] == 200


async def test_the_flood_limits(api: Api) -> None:
    api.telegram.flood.period_s = 1.0
    assert (await api.call("sendMessage", chat_id=ALINE["id"], text="x"))[0] == 200
    status, said = await api.call("sendMessage", chat_id=ALINE["id"], text="x")
    assert (status, said["parameters"]) == (429, {"retry_after": 1})
    assert said["description"] == "Too Many Requests: retry after 1"
    for number in range(40):
        api.telegram.people.says({"id": 100 + number, "first_name": "x"}, "/start")
    answers = await asyncio.gather(
        *(api.call("sendMessage", chat_id=100 + number, text="x") for number in range(40))
    )
    refused = [status for status, _said in answers].count(429)
    assert refused == 11 or (refused < 11 and api.telegram.flood.refused == refused + 1)
    await asyncio.sleep(1.0)
    assert (await api.call("sendMessage", chat_id=ALINE["id"], text="x"))[0] == 200


async def test_a_file_comes_and_goes(api: Api) -> None:
    form = aiohttp.FormData({"chat_id": str(ALINE["id"]), "caption": "Raporo"})
    form.add_field("document", b"a;b", filename="a.csv", content_type="text/csv")
    async with api.http.post(f"{api.box.url}/bot{TOKEN}/sendDocument", data=form) as answer:
        document = (await answer.json())["result"]["document"]
    assert (document["file_name"], document["mime_type"], document["file_size"]) == (
        "a.csv",
        "text/csv",
        3,
    )
    api.telegram.people.sends_photo(ALINE, b"\xff\xd8photo")
    photo = api.telegram.delivery.waiting[-1]["message"]["photo"][-1]
    _status, said = await api.call("getFile", file_id=photo["file_id"])
    path = said["result"]["file_path"]
    async with api.http.get(f"{api.box.url}/file/bot{TOKEN}/{path}") as answer:
        assert await answer.read() == b"\xff\xd8photo"
    async with api.http.get(f"{api.box.url}/file/bot1:other/{path}") as answer:
        assert answer.status == 404
    assert (
        await api.refused("sendPhoto", photo="no such file")
        == "wrong file identifier/HTTP URL specified"
    )


async def test_updates_come_in_order_with_the_secret_and_are_repeated_until_taken(api: Api) -> None:
    got, refusals = [], [500, 404, 302]

    async def webhook(request: web.Request) -> web.Response:
        update = await request.json()
        got.append(
            (
                time.monotonic(),
                update["update_id"],
                request.headers["X-Telegram-Bot-Api-Secret-Token"],
            )
        )
        return web.Response(status=refusals.pop() if refusals else 200)

    app = web.Application()
    app.router.add_post("/hook", webhook)
    async with TestServer(app) as server:
        assert "unallowed" in await api.refused(
            "setWebhook", url="https://x", secret_token="not allowed"
        )
        assert "HTTPS" in await api.refused("setWebhook", url="http://example.org/hook")
        url = str(server.make_url("/hook"))
        await api.call("setWebhook", url=url, secret_token="s3cret_-", allowed_updates=["message"])
        for number in range(3):
            api.telegram.people.says(ALINE, str(number))
        # It was not asked for.
        api.telegram.people.presses(ALINE, 1, "x")
        for _round in range(300):
            if len(got) == 7:
                break
            await asyncio.sleep(0.02)
        _status, info = await api.call("getWebhookInfo")
    ids = [update_id for _at, update_id, _secret in got]
    assert ids == [ids[0]] * 4 + [ids[0] + 1, ids[0] + 2, ids[0] + 3]
    assert {secret for *_rest, secret in got} == {"s3cret_-"}
    waits = [after[0] - before[0] for before, after in pairwise(got)]
    assert waits[0] >= 0.2 and waits[1] >= 0.4 and waits[2] >= 0.8
    assert info["result"]["pending_update_count"] == 0
    assert info["result"]["last_error_message"].startswith("Wrong response from the webhook: ")
