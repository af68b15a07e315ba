"""A small HTTP client for load: one keep-alive connection, one request at a time."""

from __future__ import annotations

import asyncio


class Connection(asyncio.Protocol):
    """Sends a form post and waits for the body of the answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[bytes] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect one answer: its length stands in its head."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        start = head.lower().index(b"content-length:") + 15
        length = int(head[start:].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._buffer = body[length:]
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(body[:length])

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits learns that no answer comes."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError())

    async def post(self, body: bytes) -> bytes:
        """The body of the answer to one form post."""
        self.write(body)
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    def write(self, body: bytes) -> None:
        """Send, and wait for nothing."""
        assert self._transport is not None
        self._transport.write(
            b"POST /ussd/africastalking HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    def drop(self) -> None:
        """Cut the connection, as a network does."""
        assert self._transport is not None
        self._transport.abort()


async def connect(port: int) -> Connection:
    """A new connection to a local port."""
    loop = asyncio.get_running_loop()
    _transport, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    return connection
