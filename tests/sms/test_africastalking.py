"""Africa's Talking SMS: what its answers mean, against the pretended provider and by the page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox.server import Sandbox, start_sandbox
from bot.sandbox.sms import KEY
from bot.sandbox.switches import Switches
from bot.sms.africastalking import AfricasTalkingSms, SmsConfig
from bot.sms.provider import Sent, SmsMessage

HELLO = SmsMessage("+250788123456", "Muraho & 12,000 Frw + 100%", "key-1")


def client(url: str, http: aiohttp.ClientSession, api_key: str = KEY) -> AfricasTalkingSms:
    return AfricasTalkingSms(SmsConfig(url, "sandbox", api_key, "ISOKO", 0.5), http)


def documented(name: str) -> dict:
    path = Path(__file__).parent / "fixtures" / f"at_sms_send_response_{name}.json"
    return json.loads(path.read_text())


def recipient(code: object) -> dict:
    return {"SMSMessageData": {"Message": "", "Recipients": [{"statusCode": code}]}}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = await start_sandbox("127.0.0.1", 0)
    yield running
    await running.stop()


async def inbox(sandbox: Sandbox, http: aiohttp.ClientSession, **query: str) -> list[dict]:
    async with http.get(f"{sandbox.url}/sandbox/sms.json", params=query) as response:
        return (await response.json())["messages"]


async def test_a_message_reaches_its_phone_letter_for_letter(sandbox: Sandbox, http) -> None:
    answer = await client(sandbox.url, http).send(HELLO)
    assert answer.outcome is Sent.SENT and answer.provider_id.startswith("ATXid_")
    [message] = await inbox(sandbox, http, to=HELLO.to)
    assert (message["to"], message["from"], message["text"]) == (HELLO.to, "ISOKO", HELLO.text)
    assert await inbox(sandbox, http, to="+250788999999") == []
    assert await inbox(sandbox, http, to=HELLO.to, after=str(message["id"])) == []


TROUBLE = [
    ({"sms_blocked": True}, Sent.REFUSED, "406 UserInBlacklist"),
    ({"sms_bad_sender": True}, Sent.REFUSED, "InvalidSenderId"),
    ({"sms_down": True}, Sent.RETRY, "HTTP 500"),
    ({"sms_hang_s": 2}, Sent.RETRY, "TimeoutError"),
]


@pytest.mark.parametrize(("switches", "outcome", "reason"), TROUBLE)
async def test_each_trouble_has_its_outcome(
    switches: dict, outcome: Sent, reason: str, sandbox: Sandbox, http
) -> None:
    sandbox.sms.switches = Switches(**switches)
    answer = await client(sandbox.url, http).send(HELLO)
    assert answer.outcome is outcome
    assert reason in answer.reason


async def test_a_wrong_key_is_tried_again_for_it_is_ours_to_mend(sandbox: Sandbox, http) -> None:
    assert (await client(sandbox.url, http, "wrong").send(HELLO)).outcome is Sent.RETRY


async def test_a_bad_number_is_refused(sandbox: Sandbox, http) -> None:
    answer = await client(sandbox.url, http).send(SmsMessage("0788123456", "x", "key-2"))
    assert (answer.outcome, answer.reason) == (Sent.REFUSED, "403 InvalidPhoneNumber")


async def test_a_provider_that_is_gone_is_tried_again(http) -> None:
    assert (await client("http://127.0.0.1:9", http).send(HELLO)).outcome is Sent.RETRY


ANSWERS = [
    (201, documented("201"), Sent.SENT),
    (201, documented("blocked"), Sent.REFUSED),
    (201, documented("bad_sender"), Sent.REFUSED),
    *((201, recipient(code), Sent.SENT) for code in (100, 101, 102, "101")),
    *((201, recipient(code), Sent.REFUSED) for code in (402, 403, 404, 406)),
    *((201, recipient(code), Sent.RETRY) for code in (401, 405, 407, 409, 500, 501, 502, 999, "x")),
    (201, {"SMSMessageData": {"Message": "Busy", "Recipients": []}}, Sent.RETRY),
    (201, {"SMSMessageData": {"Recipients": {"a": 1}}}, Sent.RETRY),
    (201, {"SMSMessageData": {"Recipients": ["text"]}}, Sent.RETRY),
    (201, {"SMSMessageData": []}, Sent.RETRY),
    (201, [], Sent.RETRY),
    (201, None, Sent.RETRY),
    (200, documented("201"), Sent.RETRY),
    (302, {}, Sent.RETRY),
    (429, {}, Sent.RETRY),
]


@pytest.mark.parametrize(("status", "body", "outcome"), ANSWERS)
async def test_an_answer_means_what_the_page_says(
    status: int, body: object, outcome: Sent, http
) -> None:
    asked: list[tuple[str | None, dict]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.headers.get("apiKey"), dict(await request.post())))
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/version1/messaging", answer)
    async with TestServer(app) as server:
        told = await client(str(server.make_url("")).rstrip("/"), http).send(HELLO)
    assert told.outcome is outcome
    form = {"username": "sandbox", "to": HELLO.to, "message": HELLO.text, "from": "ISOKO"}
    assert asked == [(KEY, form | {"bulkSMSMode": "1", "enqueue": "1"})]


@pytest.mark.parametrize("text", ["", "<html>", "[" * 100_000])
async def test_an_unreadable_answer_is_tried_again(text: str, http) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=201, text=text)

    app = web.Application()
    app.router.add_post("/version1/messaging", answer)
    async with TestServer(app) as server:
        told = await client(str(server.make_url("")).rstrip("/"), http).send(HELLO)
    assert told.outcome is Sent.RETRY
