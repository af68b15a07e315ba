"""The real server, with the demo cast and the pretended outside, for a test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, get_port_socket
from sqlalchemy import Connection, func, select

from bot.app import QUICK_LANE, build_app
from bot.half_sent import HALF_SENT_MAX
from bot.parts import Parts, open_parts
from bot.quick_lane import QuickRunner
from bot.settings import load_settings
from bot.storage.schema import outbox
from bot.storage.sessions.memory import MemorySessions
from tests import scaled
from tests.migrated import begin_in
from tests.phone import Phone
from tests.scaled import InTurn

FARMER, TEA, CRAFTS = "+250788000001", "+250788000002", "+250788000003"
AIRTEL, DEBTOR, HOST = "+250738000004", "+250788000005", "+250788000006"
COOPERATIVE = "+250788000007"
UNKNOWN = "+250788000009"
_HERE = "127.0.0.1"
# A cheap hash: the tests are about what happens, not about what a hash costs.
CHEAP = {"ISOKO_PIN__MEMORY_KIB": "64", "ISOKO_PIN__PASSES": "1"}
# On a busy machine a hop may take longer than a caller would wait: that alone fails no test.
PATIENT = {"ISOKO_USSD__HOP_BUDGET_S": "20", "ISOKO_USSD__DIALS_PER_MINUTE": "100000"}


@dataclass(slots=True)
class Running:
    """A running server and a client for it."""

    parts: Parts
    client: TestClient
    app: web.Application
    # In the scaled mode, the other server on the same stores.
    second: Running | None = None

    def phone(self, msisdn: str = FARMER) -> Phone:
        """A phone with this number."""
        return Phone(self.client, msisdn)

    async def write_transcripts(self) -> None:
        """Write what waits to be written of calls and refusals, by whichever server it came."""
        for one in (self, self.second):
            if one is not None:
                await one.parts.transcripts.flush()

    async def lose_sessions(self) -> None:
        """As a restart or a flushed Redis does."""
        sessions: Any = self.parts.engine._sessions
        if isinstance(sessions, MemorySessions):
            sessions._kept.clear()
        else:
            await sessions._lanes.ask_all("FLUSHALL")

    async def inbox(self, msisdn: str) -> list[str]:
        """The SMS that reached a number, after all waiting news has left."""
        # The server's own sender may have a message in its hands at this very moment.
        for _round in range(100):
            await self.parts.sender.carry_out()
            if not await self.parts.market.records.read(_sms_on_their_way):
                break
            await asyncio.sleep(0.02)
        assert self.parts.sandbox is not None
        url = f"{self.parts.sandbox.url}/sandbox/sms.json"
        async with self.parts.http.get(url, params={"to": msisdn}) as response:
            return [message["text"] for message in (await response.json())["messages"]]


def _sms_on_their_way(db: Connection) -> int:
    due = (outbox.c.kind == "sms") & (outbox.c.state == "waiting") & (outbox.c.attempts <= 1)
    return int(db.execute(select(func.count()).where(due)).scalar() or 0)


@asynccontextmanager
async def running(folder: Path, **settings: str) -> AsyncIterator[Running]:
    """Start a server on `folder`, with settings as environment variables.

    In the scaled mode that is two of them on one PostgreSQL and one Redis, asked in turn.
    """
    variables = {"ISOKO_DATA_DIR": str(folder), **PATIENT, **CHEAP}
    named = {"ISOKO_DATABASE_URL", "ISOKO_REDIS_URL"} & settings.keys()
    if scaled.stores is None or named:
        database = scaled.databases if not named else None
        where = await database.of(folder) if database is not None else {}
        async with _one_running({**variables, **where, **settings}) as one:
            yield one
        return
    variables |= {**await scaled.stores.of(folder), **settings}
    async with _one_running(variables) as first:
        assert first.parts.sandbox is not None
        # The second has the outside world of the first, as workers have.
        port = first.parts.sandbox_url.rpartition(":")[2]
        beside = {"ISOKO_WORKERS": "2", "ISOKO_SANDBOX__PORT": port}
        async with _one_running(variables | beside) as second:
            client: Any = InTurn(first.client, second.client)
            yield Running(first.parts, client, first.app, second)


class _Server(TestServer):
    """aiohttp's own for tests, with our quick lane."""

    half_sent_max = HALF_SENT_MAX

    async def _make_runner(self, **options: Any) -> QuickRunner:
        options |= {"shutdown_timeout": 1, "half_sent_max": self.half_sent_max}
        return QuickRunner(self.app, self.app[QUICK_LANE], **options)


@asynccontextmanager
async def _one_running(variables: dict[str, str]) -> AsyncIterator[Running]:
    # This server stands on a port of its own, not on the one in the settings; operators call there.
    door = get_port_socket(_HERE, 0, socket.AF_INET)
    callbacks = f"http://{_HERE}:{door.getsockname()[1]}/payments"
    own = {"ISOKO_MOMO__CALLBACK_URL": f"{callbacks}/mtn-momo/callback"}
    settings = load_settings(own | variables)
    if not settings.database_url:
        await begin_in(settings.data_dir, variables)
    async with open_parts(settings) as parts:
        app = build_app(parts)
        server = _Server(app, socket_factory=lambda *_where: door)
        server.half_sent_max = settings.half_sent_max
        async with TestClient(server) as client:
            if parts.sandbox is not None:
                parts.sandbox.airtel.callback_url = f"{callbacks}/airtel-money/callback/test"
            yield Running(parts, client, app)
