"""The quick way to the gateways' doors: a connection that reads, answers and writes by itself.

To read a request with aiohttp and to write its response costs more than to answer the hop. A
gateway says the same head again and again; only the length of its body changes. So a head is
read once, by aiohttp's own parser, and remembered with who answers it; a request that begins with
the same bytes means the same. Whatever is not one whole request with such a head, its connection
is aiohttp's from then on: another path, a chunked body, one that waits to be told to go on, two at
once. Nothing here decides what HTTP is.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import structlog
from aiohttp import HttpVersion11, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser
from multidict import CIMultiDictProxy

from bot.faults import new_request_id
from bot.half_sent import HALF_SENT_MAX, HalfSent, PatientHandler
from bot.knock import Answer, QuickKnock, WireReply
from bot.safe_headers import NO_SNIFF, NO_STORE

log = structlog.get_logger(__name__)

_BLANK_LINE = b"\r\n\r\n"
# A hop has some 200 bytes of body, an update of Telegram a few thousand.
_HEAD_MAX, _BODY_MAX = 4096, 16_384
# A proxy that numbers its requests makes each head another: those are read each time.
_HEADS_MAX = 1024
# The rest of a body comes with its head or right after; a slow one is aiohttp's to wait for.
_REST_S = 0.25
# As aiohttp does with a connection on which nothing is said; one that never said a word goes soon.
_SILENT_S, _SPEECHLESS_S = 3630.0, 30.0


class Head(NamedTuple):
    """A head that was read: who answers it, and how long its body is."""

    answer: Answer
    size: int
    method: str
    raw_path: str
    headers: CIMultiDictProxy[str]


class QuickLane:
    """Makes the protocol of each connection; `answers` are by (method, raw path)."""

    def __init__(
        self,
        answers: Mapping[tuple[str, str], Answer],
        server: web.Server,
        half_sent_max: int = HALF_SENT_MAX,
    ) -> None:
        self._answers, self._server = answers, server
        self._half_sent = HalfSent(half_sent_max)
        self._loop = asyncio.get_running_loop()
        self._heads: dict[bytes, Head] = {}
        self.connections: set[_Connection] = set()
        self.is_closed = False
        # gunicorn's worker looks at it.
        self.requests_count = 0

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Connection(self, self._loop)

    def usual(self) -> PatientHandler:
        """aiohttp's own protocol for a connection."""
        # What the application wants of its connections, as its server would hand it on.
        options = self._server._kwargs
        return PatientHandler(self._server, self._half_sent, loop=self._loop, **options)

    def head(self, data: bytes) -> Head | None:
        """The head in `data`, its blank line included; None when aiohttp is to read it."""
        # The path may hold a gateway's secret: a dictionary compares only what has the same keyed
        # hash, so its time says nothing of how much of a guess was right.
        found = self._heads.get(data)
        if found is None and data.endswith(_BLANK_LINE) and len(data) <= _HEAD_MAX:
            found = self._read(data)
            if found is not None:
                if len(self._heads) >= _HEADS_MAX:
                    self._heads.clear()
                self._heads[data] = found
        return found

    def close(self) -> None:
        """From now on aiohttp answers everything, and says farewell."""
        self._answers, self._heads, self.is_closed = {}, {}, True
        for connection in list(self.connections):
            connection.leave()

    async def finish(self, timeout_s: float) -> None:
        """Wait for the hops that are under way; what lasts longer is cut off."""
        tasks = [one.task for one in self.connections if one.task is not None]
        if not tasks:
            return
        _done, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _read(self, data: bytes) -> Head | None:
        parser = HttpRequestParser(BaseProtocol(self._loop), self._loop, _BODY_MAX)
        try:
            messages, upgraded, _tail = parser.feed_data(data)
        except HttpProcessingError:
            return None
        if len(messages) != 1 or upgraded:
            return None
        message, _payload = messages[0]
        answer = self._answers.get((message.method, message.path))
        size = message.headers.getall("Content-Length", [])
        plain = not (message.should_close or message.chunked or message.compression)
        if answer is None or not plain or message.version != HttpVersion11:
            return None
        if len(size) != 1 or int(size[0]) > _BODY_MAX or "Expect" in message.headers:
            return None
        return Head(answer, int(size[0]), message.method, message.path, message.headers)


class QuickRunner(web.AppRunner):
    """Runs an application; who knocks at a path of `answers` is answered by the quick lane."""

    def __init__(
        self,
        app: web.Application,
        answers: Mapping[tuple[str, str], Answer],
        *,
        shutdown_timeout: float,
        half_sent_max: int = HALF_SENT_MAX,
        **options: Any,
    ) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout, **options)
        self._answers, self._finish_s = answers, shutdown_timeout
        self._half_sent_max = half_sent_max
        self.lane: QuickLane | None = None

    async def setup(self) -> None:
        """Make ready to answer."""
        await super().setup()
        if (usual := super().server) is not None:
            self.lane = QuickLane(self._answers, usual, self._half_sent_max)

    async def cleanup(self) -> None:
        """Finish what is under way, and close every connection."""
        if self.lane is not None:
            self.lane.close()
            await self.lane.finish(self._finish_s)
        await super().cleanup()

    @property
    def server(self) -> web.Server | None:
        """What makes the protocol of each connection: all that anybody wants of the server."""
        return cast("web.Server | None", self.lane)


class _Connection(asyncio.Protocol):
    """Answers one request after the other, until one comes that aiohttp is to read."""

    __slots__ = (
        "_came",
        "_heard_at",
        "_lane",
        "_loop",
        "_rest",
        "_silent",
        "_silent_s",
        "_transport",
        "task",
    )

    def __init__(self, lane: QuickLane, loop: asyncio.AbstractEventLoop) -> None:
        self._lane, self._loop = lane, loop
        self._came = b""
        self._heard_at, self._silent_s = loop.time(), _SPEECHLESS_S
        self._rest: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it, and see to it that it does not stay for ever."""
        self._transport = cast("asyncio.Transport", transport)
        self._lane.connections.add(self)
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._silent = self._loop.call_later(_SPEECHLESS_S, self._look_if_silent)

    def data_received(self, data: bytes) -> None:
        """Begin to answer a whole request; leave everything else to aiohttp."""
        if self.task is not None:
            # Before its answer: aiohttp takes this up when the answer has left.
            self._came += data
            self._transport.pause_reading()
            return
        if self._came:
            data, self._came = self._came + data, b""
        end = data.find(_BLANK_LINE) + len(_BLANK_LINE)
        head = self._lane.head(data[:end])
        missing = -1 if head is None else end + head.size - len(data)
        if head is None or missing < 0:
            self._came = data
            self.leave()
        elif missing:
            self._came = data
            if self._rest is None:
                # For all of the rest: one byte at a time must not keep the connection for ever.
                self._rest = self._loop.call_later(_REST_S, self.leave)
        else:
            self._no_rest()
            self.task = self._loop.create_task(self._answer(head, data[end:]))

    def connection_lost(self, exc: Exception | None) -> None:
        """What is under way goes on: a hop is done once it has come."""
        self._forget()

    def pause_writing(self) -> None:
        """Nobody reads what we answer."""
        self._transport.abort()

    def leave(self) -> None:
        """Leave the connection, and what came on it, to aiohttp; after the answer under way."""
        if self.task is not None or self._transport.is_closing():
            return
        self._forget()
        usual, came, self._came = self._lane.usual(), self._came, b""
        self._transport.set_protocol(usual)
        usual.connection_made(self._transport)
        if not self._transport.is_reading():
            self._transport.resume_reading()
        if came:
            # aiohttp may stop the reading for it, and then means to: many requests came at once.
            usual.data_received(came)

    async def _answer(self, head: Head, body: bytes) -> None:
        reply: WireReply | None = None
        knock = QuickKnock(head.method, head.raw_path, head.headers, self._transport)
        try:
            reply = await head.answer(knock, body)
        except Exception:  # a fault of ours ends this connection, and no other
            path, request_id = head.raw_path.split("/")[1], new_request_id()
            log.exception("a request had no answer", path=path, request_id=request_id)
        finally:
            self.task, self._heard_at, self._silent_s = None, self._loop.time(), _SILENT_S
            self._lane.requests_count += 1
            if reply is None:
                self._transport.abort()
        if reply is None or self._transport.is_closing():
            return
        self._transport.write(_written(reply))
        if self._came or self._lane.is_closed:
            self.leave()

    def _look_if_silent(self) -> None:
        left_s = self._heard_at + self._silent_s - self._loop.time()
        if left_s <= 0 and self.task is None:
            self._transport.close()
        else:
            self._silent = self._loop.call_later(max(left_s, 1.0), self._look_if_silent)

    def _forget(self) -> None:
        self._lane.connections.discard(self)
        self._silent.cancel()
        self._no_rest()

    def _no_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None


def _written(reply: WireReply) -> bytes:
    """The whole response, to leave in one write."""
    body = reply.body
    rest = f"{len(body)}\r\nDate: {_date(int(time.time()))}\r\n\r\n"
    return b"%b%b%b" % (_head(reply.status, reply.headers), rest.encode("ascii"), body)


@lru_cache(64)
def _head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in (*headers, NO_SNIFF, NO_STORE)])
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}Content-Length: ".encode("ascii")


@lru_cache(1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
