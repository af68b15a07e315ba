"""One world: a store, operators that outlive every crash, and a server that is started again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from sqlalchemy import Connection

from bot.sandbox.server import Sandbox, start_sandbox
from bot.sandbox.switches import Switches
from bot.storage.opening import open_records
from bot.storage.records import Records
from tests.free_port import free_port
from tests.server import CHEAP
from tests.sweep.launch import Orders
from tests.sweep.process import Process
from tests.sweep.seams import Point
from tests.sweep.stores import Place
from tests.sweep.waiting import next_due, waits

SERVER = "server"
# "Every payment settled, failed or flagged within 30 virtual minutes."
MOST = timedelta(minutes=30)
# By our own watch, for a world in which no time passes any more.
_PATIENCE_S = 60.0


class World:
    """Everything around one run of a path; `fatal` is where one of its processes dies."""

    def __init__(self, place: Place, fatal: Point | None) -> None:
        self._place, self.fatal = place, fatal
        self.records: Records
        self.operators: Sandbox
        self.http: aiohttp.ClientSession
        self._server: Process
        self.lives = 0
        self.kills = 0
        self.restart_s = 0.0
        self.ahead_s = 0.0
        # From here on nothing goes wrong any more.
        self.calm_since = datetime.now(UTC)
        self.wrong: list[str] = []
        # Every deed that a person was told is done, by its offer or payment.
        self.told: set[int] = set()
        self._answers_had = 0
        self._watch: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self.port = free_port()

    @property
    def url(self) -> str:
        """Where the server answers, when it does."""
        return f"http://127.0.0.1:{self.port}"

    def now(self) -> datetime:
        """The moment on the world's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)

    async def open(self, switches: Switches) -> None:
        """Open the store and start the operators; the server is not there yet."""
        self.records = await open_records(self._place.database_url, self._place.folder)
        self.operators = await start_sandbox("127.0.0.1", 0)
        self.turn(switches)
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))

    def turn(self, switches: Switches) -> None:
        """Set the operators' switches."""
        parts = self.operators
        parts.momo.switches = parts.airtel.switches = parts.sms.switches = switches

    async def begin(self) -> None:
        """Start the server, and again whenever it dies."""
        self._watch = asyncio.create_task(self._keep_it_up())
        await self.up()

    async def close(self) -> None:
        """End everything; what the processes recorded stays."""
        if self._watch is not None:
            self._watch.cancel()
            # What ended it has been told by `up` already.
            with suppress(asyncio.CancelledError, RuntimeError):
                await self._watch
            await self._server.stop()
        await self.http.close()
        await self.operators.stop()
        await self.records.close()

    async def up(self) -> None:
        """Wait until the server answers. Raises what ended it, when it did not die of a kill."""
        while not (self._up.is_set() and self._server.is_alive):
            if self._watch.done():
                self._watch.result()
            await asyncio.sleep(0.005)

    async def outlive_answer(self) -> None:
        """An answer has come: wait until the server is past it too, or has died of it."""
        self._answers_had += 1
        while self.kills == 0 and not self._watch.done():
            passed = self.passed()
            gone = sum(point.seam.startswith("after answer") for point in passed)
            # What is fatal is written down before it kills.
            if gone >= self._answers_had and self.fatal not in passed:
                break
            await asyncio.sleep(0.005)
        await self.up()

    async def until(self, holds: Callable[[Connection], bool], *, time_passes: bool = True) -> bool:
        """Let time pass, from one due thing to the next, until `holds`; False when it never did.

        Unless `time_passes`: then what is under way at this moment must lead to it.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        while not await self.records.read(holds):
            await self.up()
            due = await self.records.read(next_due)
            ahead_s = (due - self.now()).total_seconds() if due else 0.0
            late = self.now() + timedelta(seconds=ahead_s) > self.calm_since + MOST
            if (late and time_passes) or time.monotonic() > give_up_at:
                return False
            if ahead_s > 0 and time_passes:
                self.ahead_s += ahead_s + 0.001
                await self._server.jump(ahead_s + 0.001)
            else:
                await asyncio.sleep(0.01)
        return True

    async def to_the_end(self) -> None:
        """Drive the world until nothing waits any more."""
        if not await self.until(lambda db: not waits(db)):
            left = await self.records.read(waits)
            self.wrong.append(f"I5, I19 after 30 minutes there still wait: {left}")

    async def command(self, process: str, *arguments: str) -> int:
        """A member of staff runs a command, again when it was killed; its exit status."""
        one = Process(self._orders(process, arguments))
        status = await one.end()
        if one.was_killed:
            self.kills += 1
            self.fatal, self.calm_since = None, self.now()
            return await self.command(process, *arguments)
        return status

    def passed(self) -> list[Point]:
        """Every point that a process with seams has passed, in order."""
        text = self._record.read_text(encoding="utf-8") if self._record.exists() else ""
        # The last line may be half written yet.
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [Point(*json.loads(line)) for line in lines]

    @property
    def log(self) -> str:
        """What the processes said."""
        path = self._place.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def _record(self) -> Path:
        return self._place.folder / "passed.jsonl"

    async def _keep_it_up(self) -> None:
        while True:
            began = time.monotonic()
            self._server = Process(self._orders(SERVER, ("serve",)))
            self.lives += 1
            if await self._answers():
                if self.lives > 1:
                    self.restart_s = max(self.restart_s, time.monotonic() - began)
                    self.calm_since = self.now()
                self._up.set()
                await self._server.end()
                self._up.clear()
            if not self._server.was_killed or self.lives > 2:
                raise RuntimeError(f"the server ended by itself:\n{self.log[-2000:]}")
            self.kills += 1
            self.fatal = None

    async def _answers(self) -> bool:
        while self._server.is_alive:
            try:
                async with self.http.get(f"{self.url}/healthz"):
                    return True
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.01)
        return False

    def _orders(self, process: str, arguments: tuple[str, ...]) -> Orders:
        # Once a process has died, all that start after it are as everywhere: without seams.
        seamed = self.kills == 0
        return Orders(
            process,
            arguments,
            self._variables(),
            str(self._place.folder / "log"),
            self.ahead_s,
            str(self._record) if seamed else "",
            self.fatal,
        )

    def _variables(self) -> dict[str, str]:
        outside = self.operators.url
        return {
            **CHEAP,
            "ISOKO_DATA_DIR": str(self._place.folder),
            "ISOKO_DATABASE_URL": self._place.database_url,
            "ISOKO_PORT": str(self.port),
            "ISOKO_LOG_LEVEL": "warning",
            "ISOKO_USSD__DIALS_PER_MINUTE": "100000",
            "ISOKO_OUTBOX__POLL_S": "0.03",
            "ISOKO_COLLECTIONS__ENABLED": "true",
            # Else five payments must wait before an outage is one.
            "ISOKO_OUTAGE__FAILURES": "2",
            "ISOKO_SANDBOX__ENABLED": "false",
            "ISOKO_TELEGRAM__ENABLED": "false",
            "ISOKO_MOMO__BASE_URL": outside,
            "ISOKO_AIRTEL__BASE_URL": outside,
            "ISOKO_SMS__BASE_URL": outside,
        }
