"""A network between a client and its server: every piece is late by a random while, in its order."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Open = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Line:
    """An open line: the port it listens on, and who talks over it now."""

    def __init__(self, to: Open, seed: int, late_s: float) -> None:
        self._to, self._draw, self._late_s = to, random.Random(seed), late_s
        self._pumps: set[asyncio.Task[None]] = set()
        self.port = 0

    def cut(self) -> None:
        """Cut every connection, whatever is under way on it."""
        for pump in list(self._pumps):
            pump.cancel()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody calls: connect them."""
        try:
            far_reader, far_writer = await self._to()
        except OSError:
            writer.close()
            return
        for ends in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(*ends))
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def end(self) -> None:
        """Cut, and wait until all is quiet."""
        pumps = list(self._pumps)
        self.cut()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65536):
                    if self._late_s:
                        await asyncio.sleep(self._draw.uniform(0, self._late_s))
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def slow_line(to: Open, seed: int, late_s: float) -> AsyncIterator[Line]:
    """A port of this machine that passes on to what `to` opens, up to `late_s` late each way."""
    line = Line(to, seed, late_s)
    server = await asyncio.start_server(line.meet, "127.0.0.1", 0)
    line.port = int(server.sockets[0].getsockname()[1])
    try:
        yield line
    finally:
        server.close()
        await line.end()
