"""The quick lane: whole hops are answered by it, everything else is aiohttp's, on one connection."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from bot.quick_lane import QuickRunner
from tests.engine.test_limits import slow_down
from tests.patience import patient_s
from tests.server import Running, running

_FORM = "application/x-www-form-urlencoded"


def hop(session: str, text: str = "", *headers: str, length: int = 0) -> bytes:
    """A dial as a gateway sends it; `length` announces another length than the body has."""
    body = f"sessionId={session}&phoneNumber=%2B250788000001&text={text}"
    head = (
        "POST /ussd/africastalking HTTP/1.1", "Host: isoko", f"Content-Type: {_FORM}",
        f"Content-Length: {length or len(body)}", *headers,
    )  # fmt: skip
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


class Line:
    """One open connection to the server."""

    def __init__(self, server: Running, reader: asyncio.StreamReader, writer) -> None:
        self._server, self._reader, self._writer = server, reader, writer

    @property
    def is_quick(self) -> bool:
        """Whether the lane still has it; a test has only this one."""
        runner = self._server.client.server.runner
        assert isinstance(runner, QuickRunner) and runner.lane is not None
        return bool(runner.lane.connections)

    @property
    def unsent_bytes(self) -> int:
        """How much of what was said waits, since the other end does not read it."""
        return int(self._writer.transport.get_write_buffer_size())

    def says(self, data: bytes) -> None:
        """Send some bytes."""
        self._writer.write(data)

    def breaks(self) -> None:
        """As a network does that is gone: nothing more is sent."""
        self._writer.transport.abort()

    async def hears(self) -> tuple[int, bytes]:
        """The status and the body of the next answer."""
        async with asyncio.timeout(patient_s(20)):
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
            assert b"\r\ndate: " in head
            return int(head.split()[1]), await self._reader.readexactly(size)

    async def ends(self) -> bool:
        """Whether the other end hangs up."""
        async with asyncio.timeout(patient_s(20)):
            return await self._reader.read() == b""


@pytest.fixture
async def server(tmp_path: Path):
    async with running(tmp_path) as one:
        yield one


@pytest.fixture
async def line(server: Running):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client.port)
    yield Line(server, reader, writer)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_hops_are_answered_one_after_the_other(line: Line) -> None:
    for session in ("a", "b", "c"):
        line.says(hop(session))
        status, screen = await line.hears()
        assert status == 200 and screen.startswith(b"CON Murakaza neza")
    assert line.is_quick


async def test_a_body_may_come_after_its_head(line: Line) -> None:
    whole = hop("a")
    line.says(whole[:-9])
    await asyncio.sleep(0.05)
    line.says(whole[-9:])
    assert (await line.hears())[0] == 200
    assert line.is_quick


async def test_a_head_in_pieces_is_left_to_aiohttp(line: Line) -> None:
    whole = hop("a")
    line.says(whole[:40])
    await asyncio.sleep(0.05)
    line.says(whole[40:])
    assert (await line.hears())[1].startswith(b"CON ")
    assert not line.is_quick


async def test_two_hops_at_once_are_answered_in_their_order(line: Line) -> None:
    line.says(hop("a") + hop("b", "1"))
    first, second = await line.hears(), await line.hears()
    assert b"Ibiciro" in first[1] and b"Ikawa" in second[1]
    assert not line.is_quick


async def test_a_hop_that_comes_before_the_last_ones_answer_is_answered_after_it(
    server: Running, line: Line
) -> None:
    line.says(hop("a"))
    await line.hears()
    for history in ("8", "8*6", "8*6*8"):
        line.says(hop("a", history))
        await line.hears()
    line.says(hop("b", "8*6"))
    await line.hears()
    # An effect waits for the disk: the next hop is there before its answer.
    slow_down(server, 0.5)
    line.says(hop("b", "8*6*8"))
    await asyncio.sleep(0.2)
    assert line.is_quick
    line.says(hop("b", "8*6*8*00"))
    assert b"T-" in (await line.hears())[1]
    assert b"Ibiciro" in (await line.hears())[1]
    assert not line.is_quick


async def test_who_sends_without_end_and_hears_nothing_is_not_read_without_end(line: Line) -> None:
    line.says(hop("a") * 100_000)
    await asyncio.sleep(1.5)
    # What the system's own buffers take is not ours to bound.
    unsent_bytes = line.unsent_bytes
    line.breaks()
    assert unsent_bytes > 8_000_000


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: isoko\r\n\r\n", 200),
        (b"POST /ussd/africastalkin HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404),
        (hop("a", "", "Transfer-Encoding: chunked"), 400),
        (hop("a", "", "Content-Length: 7"), 400),
        (hop("a", "", "Bad Header: 7"), 400),
        (hop("a", "", "Connection: close"), 200),
        (hop("a", "1" * 17_000), 413),
        (hop("a").replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n"), 200),
        (hop("a").replace(b"\r\n", b"\n"), 400),
    ],
)
async def test_whatever_else_comes_is_answered_by_aiohttp(
    line: Line, raw: bytes, status: int
) -> None:
    line.says(hop("first"))
    assert (await line.hears())[0] == 200
    line.says(raw)
    assert (await line.hears())[0] == status
    assert not line.is_quick


async def test_who_is_told_to_leave_is_told_so_with_the_next_answer(
    server: Running, line: Line
) -> None:
    line.says(hop("a"))
    await line.hears()
    runner = server.client.server.runner
    assert isinstance(runner, QuickRunner) and runner.lane is not None
    runner.lane.close()
    assert not line.is_quick
    line.says(hop("a", "1"))
    assert b"Ikawa" in (await line.hears())[1]


async def test_what_nobody_can_answer_ends_the_connection(server: Running, line: Line) -> None:
    async def breaks(*_given: object) -> object:
        raise RuntimeError("planted")

    runner = server.client.server.runner
    assert isinstance(runner, QuickRunner) and runner.lane is not None
    runner.lane._answers = {("POST", "/ussd/africastalking"): breaks}
    line.says(hop("a"))
    assert await line.ends()
