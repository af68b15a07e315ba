"""The webhook: who is let in, what is kept, what is no update, and each update once."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.telegram.tokens import DATA_MAX
from tests.patience import patient_s
from tests.server import Running, running
from tests.telegram.door import (
    ALINE,
    HEADER,
    PATH,
    SECRET,
    Chat,
    everything,
    figure,
    fixture,
    post,
    rows,
    said,
    settle,
)


@pytest.mark.parametrize(
    "given", [None, "wrong", SECRET.upper(), "x" * 300, SECRET + " ", f"{SECRET}x", "é"]
)
async def test_T01_without_the_secret_nothing_is_read_kept_or_answered(
    server: Running, given: str | None
) -> None:
    headers = {} if given is None else {HEADER: given}
    body = json.dumps(fixture("message")).encode()
    async with server.client.post(PATH, data=body, headers=headers) as answer:
        if given == SECRET + " ":
            # Blanks at the end of a header are no part of its value.
            assert answer.status == 200
            return
        assert answer.status == 401 and await answer.read() == b""
    assert await rows(server) == [] and await said(server) == []
    assert await figure(server, 'isoko_refused_total{what="telegram 401"}') == "1.0"


async def test_T01_a_secret_given_twice_is_refused(server: Running) -> None:
    headers = [(HEADER, SECRET), (HEADER, "wrong")]
    async with server.client.post(PATH, data=b"{}", headers=headers) as answer:
        assert answer.status == 401


async def test_T01_a_stranger_is_refused_before_the_body_is_there(server: Running) -> None:
    reader, writer = await asyncio.open_connection(server.client.host, server.client.port)
    head = f"POST {PATH} HTTP/1.1\r\nHost: {server.client.host}\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(20):
        assert b" 401 " in await reader.readline()
    writer.close()


_DEEP = b'{"update_id":5,"message":' + b"[" * 1000 + b"]" * 1000 + b"}"
_DEEP_OBJECT = b'{"a":' * 1000 + b"1" + b"}" * 1000
BAD = {
    "no JSON": b"muraho",
    "nothing": b"",
    "array": b"[1, 2]",
    "deep": _DEEP,
    "deep objects": _DEEP_OBJECT,
    "5 MB": b'{"update_id":6,"x":"' + b"a" * 5_000_000 + b'"}',
    "just too large": b'{"update_id":6,"x":"' + b"a" * (256 * 1024) + b'"}',
    "a key twice": b'{"update_id":7,"update_id":8}',
    "a key twice, deeper": b'{"update_id":7,"message":{"text":"1","text":"2"}}',
    "a key twice, with colons": b'{"update_id":7,"message":{"text":"1:2","text":"::"}}',
    "a key twice, in a list": b'{"update_id":7,"x":[{"a":1},[{"a":1,"a":2}]]}',
    "NaN": b'{"update_id":9,"x":NaN}',
    "broken text": b'{"update_id":10,"x":"\xff\xfe"}',
    "half a sign": b'{"update_id":10,"message":{"text":"\\ud800"}}',
    "no number": b'{"message":{}}',
    "a number too large": b'{"update_id":9223372036854775808}',
    "true for a number": b'{"update_id":true}',
    "another form": b'{"update_id":11,"message":{"message_id":"x"}}',
    "a chat too large": b'{"update_id":12,"message":{"message_id":1,"chat":{"id":99999999999999999999}}}',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
async def test_T02_what_is_no_update_is_kept_as_such_and_does_not_come_again(
    server: Running, body: bytes
) -> None:
    assert await post(server, body) == 200
    (row,) = await rows(server)
    assert row.state == "unprocessable" and row.outcome and len(row.body) <= 1100
    assert await said(server) == []
    # Others are still served.
    chat = Chat(server, 700100999)
    assert await chat.types("/start")


async def test_T02_a_body_that_comes_too_slowly_holds_up_nobody(tmp_path: Path) -> None:
    async with running(tmp_path, ISOKO_USSD__BODY_TIMEOUT_S="0.2") as server:
        reader, writer = await asyncio.open_connection(server.client.host, server.client.port)
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\nContent-Length: 100\r\n\r\n"
        )
        writer.write(head.encode() + b'{"update')
        async with asyncio.timeout(patient_s(20)):
            assert b" 408 " in await reader.readline()
        writer.close()
        assert await rows(server) == []


async def test_T03_the_same_update_a_thousand_times_is_applied_once(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        update = fixture("message")
        for _round in range(10):
            statuses = await asyncio.gather(*(post(server, update) for _one in range(99)))
            assert set(statuses) == {200}
        await settle(server)
        assert len(await rows(server)) == 1 and len(await said(server)) == 1
    async with running(tmp_path) as server:
        # After a restart.
        statuses = await asyncio.gather(*(post(server, update) for _one in range(10)))
        assert set(statuses) == {200}
        await settle(server)
        assert len(await rows(server)) == 1 and len(await said(server)) == 1


async def test_T16_types_that_nobody_waits_for_are_counted_and_answered_200(
    server: Running,
) -> None:
    chat = Chat(server)
    group = chat.message(text="hello")
    group["message"]["chat"] = {"id": -100200, "type": "supergroup"}
    edited = chat.message(text="1")
    edited["edited_message"] = edited.pop("message")
    updates = {
        "text too long": chat.message(text="a" * 4097),
        "caption too long": chat.message(photo=[{"file_id": "x"}], caption="a" * 1025),
        "photo": chat.message(photo=[{"file_id": "x"}], caption="a" * 1024),
        "edited_message": edited,
        "channel_post": {"update_id": 3, "channel_post": {"x": 1}},
        "unknown": {"update_id": 4, "brand_new_type": {"x": 1}},
        "group": group,
        "message of another kind": fixture("web_app_data"),
    }
    for update in updates.values():
        assert await post(server, update) == 200
    kept = await settle(server)
    assert {row.state for row in kept} <= {"ignored", "applied"} and len(kept) == len(updates)
    assert await said(server) == []
    for kind in updates:
        assert await figure(server, f'isoko_telegram_ignored_total{{type="{kind}"}}') == "1.0", kind
    assert all(row.body == b"" for row in kept)


async def test_T16_a_block_is_noted_and_answered_with_nothing(server: Running) -> None:
    assert await post(server, fixture("my_chat_member_blocked")) == 200
    (row,) = await settle(server)
    assert (row.state, row.outcome) == ("applied", "blocked") and await said(server) == []


async def test_T06_somebody_else_s_contact_is_refused_and_one_s_own_is_given_a_code(
    server: Running,
) -> None:
    assert await post(server, fixture("contact_foreign")) == 200
    assert await post(server, fixture("contact_own")) == 200
    await settle(server)
    foreign, own = [one["args"] for one in await said(server)]
    assert "keyboard" in foreign["reply_markup"]
    assert own["reply_markup"] == {"remove_keyboard": True} and foreign["text"] != own["text"]


async def test_T19_neither_the_secret_nor_the_token_is_in_any_log_or_row(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chat = Chat(server)
    with capture_logs() as ours:
        await chat.types("/start")
        await post(server, b"no json")
        headers = {HEADER: f"{SECRET}0"}
        async with server.client.post(PATH, data=b"{}", headers=headers) as answer:
            assert answer.status == 401
    written = "".join([repr(ours), caplog.text, await everything(server)])
    assert "no update" in written and "request refused" in written
    for secret in (SECRET, "demo-token-of-the-sandbox", "1:demo"):
        assert secret not in written


async def test_buttons_carry_at_most_64_bytes(server: Running) -> None:
    chat = Chat(server)
    await chat.types("/start")
    assert chat.buttons and ALINE
    assert all(len(data.encode()) <= DATA_MAX for data in chat.buttons.values())
