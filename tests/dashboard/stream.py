"""The dashboard's feed, read as it comes over the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from tests.dashboard.desk import Desk


class Event(NamedTuple):
    """One event: its id, its name, what it said, and the bytes it came as."""

    id: str
    name: str
    data: dict[str, Any]
    raw: str


class Stream:
    """A stream that is open."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status, self._response = response.status, response

    async def event(self, *names: str, within_s: float = 30.0) -> Event:
        """The next event, or the next of these names."""
        async with asyncio.timeout(within_s):
            while True:
                one = await self._next()
                if one is not None and (not names or one.name in names):
                    return one

    async def ends(self, within_s: float) -> bool:
        """Whether the server closes it within so many seconds."""
        try:
            async with asyncio.timeout(within_s):
                while await self._response.content.readline():
                    pass
        except TimeoutError:
            return False
        return True

    async def _next(self) -> Event | None:
        lines = []
        while line := (await self._response.content.readline()).decode():
            if line == "\n":
                break
            lines.append(line)
        if not lines:
            raise EOFError
        fields = dict(line.rstrip("\n").split(": ", 1) for line in lines)
        if "data" not in fields:
            return None
        data = json.loads(fields["data"])
        return Event(fields.get("id", ""), fields["event"], data, "".join(lines))


@asynccontextmanager
async def streaming(desk: Desk, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    """Open the feed as a page of ours does."""
    sent = {"Sec-Fetch-Site": "same-origin", "Accept": "text/event-stream", **headers}
    url = f"{desk.base}/dashboard/feed{query}"
    async with desk.http.get(url, headers=sent, allow_redirects=False) as response:
        yield Stream(response)
