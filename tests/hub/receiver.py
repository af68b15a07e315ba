"""A receiver of webhooks on a port of its own: keeps what came, and answers as it is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.hub.sender import signature


@dataclass
class Receiver:
    url: str = ""
    # What to answer next; the last one stays.
    answers: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    # Takes requests in place of `take`.
    on: Callable[[web.Request], Awaitable[web.Response]] | None = None

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers=self.headers)

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.came]

    @property
    def types(self) -> list[str]:
        return [one["type"] for one in self.said]

    def signed_by(self, place: int, secret: str) -> bool:
        headers, body = self.came[place]
        good = signature(secret, headers["webhook-id"], headers["webhook-timestamp"], body)
        return good in headers["webhook-signature"].split(" ")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()

    async def take(request: web.Request) -> web.Response:
        return await (receiver.on or receiver.take)(request)

    app.router.add_post("/{tail:.*}", take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver
