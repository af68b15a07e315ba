"""H-03: who begins a request and does not end it keeps no connection, and no more than their share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.patience import patient_s
from tests.server import Running, running
from tests.test_quick_lane import hop

_BEGUN = b"POST /ussd/africastalking HTTP/1.1\r\nHost: isoko\r\nX-Long: "
_WHOLE = {
    "nothing": b"",
    "a hop": hop("a"),
    "another path": b"GET /healthz HTTP/1.1\r\nHost: isoko\r\n\r\n",
}


@asynccontextmanager
async def connected(
    server: Running, source: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    port = server.client.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    yield reader, writer
    writer.transport.abort()


async def heard(reader: asyncio.StreamReader) -> int:
    """The status of the next answer, whose body is read too."""
    async with asyncio.timeout(patient_s(5)):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        return int(head.split()[1])


async def is_hung_up_on(reader: asyncio.StreamReader, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            return await reader.read() == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("before", _WHOLE)
async def test_H03_a_head_that_is_begun_must_soon_be_whole(
    server: Running, monkeypatch, before: str
) -> None:
    monkeypatch.setattr("bot.half_sent.HEAD_S", 0.6)
    async with connected(server) as (reader, writer):
        if before != "nothing":
            writer.write(_WHOLE[before])
            assert await heard(reader) == 200
        # A kept connection may be silent for much longer than a head may take.
        await asyncio.sleep(0.8)
        assert not reader.at_eof()
        writer.write(_BEGUN)
        end, began = asyncio.create_task(is_hung_up_on(reader, patient_s(5))), time.monotonic()
        while not end.done():
            writer.write(b"a")
            await asyncio.sleep(0.1)
        assert end.result() and time.monotonic() - began > 0.4


async def test_H03_a_head_that_comes_in_time_is_answered_and_the_next_waited_for(
    server: Running, monkeypatch
) -> None:
    monkeypatch.setattr("bot.half_sent.HEAD_S", 0.8)
    async with connected(server) as (reader, writer):
        for _request in range(2):
            writer.write(b"GET /healthz HT")
            await asyncio.sleep(0.3)
            writer.write(b"TP/1.1\r\nHost: isoko\r\n\r\n")
            assert await heard(reader) == 200
            await asyncio.sleep(1.0)


async def test_H03_who_never_says_a_word_is_hung_up_on(server: Running, monkeypatch) -> None:
    monkeypatch.setattr("bot.quick_lane._SPEECHLESS_S", 0.3)
    async with connected(server) as (silent, _none), connected(server) as (reader, writer):
        writer.write(hop("a"))
        assert await heard(reader) == 200
        assert await is_hung_up_on(silent, patient_s(4))
        await asyncio.sleep(1.2)
        # Who has called before is kept, as gateways keep their connections.
        writer.write(hop("a", "1"))
        assert await heard(reader) == 200


async def test_H03_one_address_has_only_so_many_requests_half_sent(tmp_path: Path) -> None:
    async with running(tmp_path, ISOKO_HALF_SENT_MAX="3") as server:
        halves = [connected(server) for _one in range(6)]
        ends = []
        for n, half in enumerate(halves):
            reader, writer = await half.__aenter__()
            # Half of a head, or a whole one and half of its body.
            writer.write(_BEGUN if n % 2 else hop("x", length=900)[:-10])
            await asyncio.sleep(0.4)
            ends.append(asyncio.create_task(is_hung_up_on(reader, 1.0)))
        assert [await end for end in ends] == [False] * 3 + [True] * 3
        # Whole requests of that address are answered, and halves of another are waited for.
        assert "Ibiciro" in await server.phone().dials()
        async with connected(server, "127.0.0.2") as (reader, writer):
            writer.write(b"GET /healthz HT")
            await asyncio.sleep(0.2)
            writer.write(b"TP/1.1\r\nHost: isoko\r\n\r\n")
            assert await heard(reader) == 200
        for half in halves:
            await half.__aexit__(None, None, None)
        await asyncio.sleep(0.2)
        # What is over has given its place back.
        async with connected(server) as (reader, writer):
            writer.write(b"GET /healthz HT")
            await asyncio.sleep(0.2)
            writer.write(b"TP/1.1\r\nHost: isoko\r\n\r\n")
            assert await heard(reader) == 200


@pytest.mark.parametrize("path", ["/payments/mtn-momo/callback/x", "/dashboard/sign-in"])
async def test_H03_a_slow_body_is_cut_whichever_door_it_knocks_at(
    server: Running, monkeypatch, path: str
) -> None:
    monkeypatch.setattr("bot.callbacks._BODY_S", 0.3)
    monkeypatch.setattr("bot.dashboard.forms._FORM_S", 0.3)
    host = f"127.0.0.1:{server.client.port}"
    async with connected(server) as (reader, writer):
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: 900\r\n\r\nname=".encode()
        )
        assert b" 408 " in await asyncio.wait_for(reader.readline(), patient_s(4))
