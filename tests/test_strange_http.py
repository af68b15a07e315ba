"""H-01 and H-05 through the real port: HTTP that says two things, and what nobody should ask for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.patience import patient_s
from tests.server import Running
from tests.server_process import ServerProcess
from tests.test_quick_lane import hop

_HEAD = (
    b"POST /ussd/africastalking HTTP/1.1\r\nHost: isoko\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
)
_BODY = b"sessionId=a&phoneNumber=%2B250788000001&text="
_CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (len(_BODY), _BODY)
_SIZED = b"Content-Length: %d\r\n" % len(_BODY)


async def answer_to(server: Running, raw: bytes, before: bytes = b"") -> bytes:
    """All that is said until the connection is closed; after what was said to `before`."""
    assert server.client.port is not None
    return await answer_at(server.client.port, raw, before)


async def answer_at(port: int, raw: bytes, before: bytes = b"") -> bytes:
    """The same, of whoever listens there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(patient_s(5)):
            if before:
                writer.write(before)
                assert (await reader.readuntil(b"CON ")).startswith(b"HTTP/1.1 200 ")
                await reader.readuntil(b"Ururimi")
            writer.write(raw)
            return await reader.read()
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    "raw",
    {
        "chunked and a length": _HEAD + _SIZED + b"Transfer-Encoding: chunked\r\n\r\n" + _CHUNK,
        "xchunked": _HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + _CHUNK,
        "chunked twice": _HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + _CHUNK,
        "chunked and more": _HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n" + _CHUNK,
        "chunked, two lines": _HEAD + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + _CHUNK,
        "a sign before chunked": _HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + _CHUNK,
        "a space after the name": _HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + _CHUNK,
        "two lengths": _HEAD + _SIZED + b"Content-Length: 7\r\n\r\n" + _BODY,
        "a length with a sign": _HEAD + b"Content-Length: +46\r\n\r\n" + _BODY,
        "a length with a line": _HEAD + b"Content-Length: 4_6\r\n\r\n" + _BODY,
        "a length in other digits": _HEAD + "Content-Length: ٤٦\r\n\r\n".encode() + _BODY,
        "a chunk in other digits": _HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + "٤\r\nabcd\r\n0\r\n\r\n".encode(),
        "bare line feeds": (_HEAD + _SIZED).replace(b"\r\n", b"\n") + b"\n" + _BODY,
        "a folded line": _HEAD + b"X-Long: a\r\n b\r\n" + _SIZED + b"\r\n" + _BODY,
        "a NUL": _HEAD + b"X-Long: a\0b\r\n" + _SIZED + b"\r\n" + _BODY,
        "two hosts": _HEAD + b"Host: evil.example\r\n" + _SIZED + b"\r\n" + _BODY,
        "the same host twice": _HEAD + b"Host: isoko\r\n" + _SIZED + b"\r\n" + _BODY,
    }.items(),
    ids=lambda one: one[0] if isinstance(one, tuple) else None,
)
async def test_H01_what_says_two_things_is_refused_and_hung_up_on(
    server: Running, raw: tuple[str, bytes]
) -> None:
    for before in (b"", hop("first")):
        said = await answer_to(server, raw[1], before)
        assert said.split(b" ")[1] == b"400", said
        # One answer, which says nothing of what was sent.
        assert said.count(b"HTTP/1.") == 1 and b"sessionId" not in said and b"X-Long" not in said


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PATCH", "DELETE", "PROPFIND"])
@pytest.mark.parametrize(
    "path",
    ["/ussd/africastalking", "/hub/events", "/payments/mtn-momo/callback/x", "/telegram/webhook",
     "/dashboard/sign-in", "/healthz", "/"],
)  # fmt: skip
async def test_H05_what_no_route_takes_is_refused(server: Running, method: str, path: str) -> None:
    secret = b"X-Secret: do-not-say-this-back\r\n"
    raw = f"{method} {path} HTTP/1.1\r\nHost: isoko\r\nConnection: close\r\n".encode() + secret
    said = await answer_to(server, raw + b"\r\n")
    assert said.split(b" ")[1][:1] == b"4", said
    assert b"do-not-say-this-back" not in said


@pytest.mark.parametrize(
    "path",
    ["/.git/HEAD", "/.git/config", "/.env", "/debug", "/debug/pprof", "/server-status", "/openapi.json",
     "/docs", "/config/default.toml", "/ussd", "/ussd/", "/hub", "/hub/", "/payments/"],
)  # fmt: skip
async def test_H05_what_is_not_there_is_not_there(server: Running, path: str) -> None:
    async with server.client.get(path, allow_redirects=False) as answer:
        assert answer.status in (404, 405) and len(await answer.text()) < 40


async def test_H05_of_the_documents_only_the_hubs_own_is_public(server: Running) -> None:
    async with server.client.get("/hub/openapi.json") as answer:
        assert answer.status == 200
    async with server.client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}) as answer:
        assert answer.status == 404


# Where aiohttp has no compiled parser, its other one lets such bytes come further.
@pytest.mark.parametrize("parser", ["compiled", "python"])
async def test_H05_bytes_that_are_no_text_are_answered_as_any_other_wrong_word(
    tmp_path: Path, parser: str
) -> None:
    rules = {
        "ISOKO_USSD__SECRETS__AFRICASTALKING": "a-secret-of-the-gateway",
        "ISOKO_METRICS__TOKEN": "0123456789abcdef01234567",
        **({"AIOHTTP_NO_EXTENSIONS": "1"} if parser == "python" else {}),
    }
    server = await asyncio.to_thread(ServerProcess, tmp_path, **rules)
    end = b"\r\nHost: isoko\r\nContent-Length: 0\r\nConnection: close\r\n"
    end += b"Webhook-Id: a\r\nWebhook-Signature: v1,aaaa\r\nWebhook-Timestamp: %d\r\n\r\n"
    try:
        for line, status in (
            (b"POST /payments/mtn-momo/callback/\xff HTTP/1.1", b"200"),
            (b"POST /payments/airtel-money/callback/a\xfeb HTTP/1.1", b"200"),
            (b"POST /ussd/africastalking/\xff HTTP/1.1", b"404"),
            (b"POST /ussd/africastalking/events/\xff HTTP/1.1", b"404"),
            (b"GET /hub/orders/\xff HTTP/1.1", b"401"),
            (b"GET /metrics HTTP/1.1\r\nVia: x\r\nAuthorization: Bearer \xff", b"404"),
        ):
            said = await answer_at(server.port, line + end % time.time())
            at_once = parser == "compiled" and b"Bearer" not in line
            assert said.split(b" ")[1] == (b"400" if at_once else status), (line, said)
    finally:
        server.kill()
