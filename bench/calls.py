"""Whole calls under load: dial and five hops, every reply checked, with the network's faults."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from bench.connection import Connection, connect

# Help, "call me back" (a durable effect: one commit in six hops), home, prices.
EFFECT_HOPS = ("", "8", "8*6", "8*6*8", "8*6*8*00", "8*6*8*00*1")


@dataclass(slots=True)
class Tally:
    """What a round of load found."""

    hops: int = 0
    wrong: int = 0
    duplicates: int = 0
    drops: int = 0
    late: int = 0
    seconds: float = 0.0
    times_s: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Faults:
    """How often a hop is sent twice, its reply lost, or an older hop comes again late."""

    duplicate: float = 0.0
    drop: float = 0.0
    late: float = 0.0


def form(session: str, number: str, history: str) -> bytes:
    """A hop as Africa's Talking sends it."""
    text = history.replace("*", "%2A")
    return (
        f"sessionId={session}&serviceCode=%2A384%2A801%23&phoneNumber=%2B{number}"
        f"&networkCode=63510&text={text}"
    ).encode()


async def _stay_awake() -> None:
    """Never let the load's core fall asleep.

    To wake it costs the server that sends some 20 us, and only the quicker server is spared that.
    """
    while True:
        await asyncio.sleep(0)


class Load:
    """Callers in turn over a fixed number of connections."""

    def __init__(
        self, port: int, calls: int, callers: int, faults: Faults, seed: int, check: bool
    ) -> None:
        self._port, self._calls, self._callers = port, calls, callers
        self._faults, self._check = faults, check
        self._random = random.Random(seed)
        self._expected: dict[tuple[int, str], bytes] = {}
        self._next = 0
        self._run = f"{seed:x}{int(time.time()):x}"
        self.tally = Tally()

    async def run(self, connections: int) -> Tally:
        """Make all the calls."""
        started = time.perf_counter()
        awake = asyncio.create_task(_stay_awake())
        await asyncio.gather(*(self._worker() for _one in range(connections)))
        awake.cancel()
        self.tally.seconds = time.perf_counter() - started
        return self.tally

    async def _worker(self) -> None:
        connection = await connect(self._port)
        while self._next < self._calls:
            number, self._next = self._next, self._next + 1
            connection = await self._call(connection, number)
        connection.drop()

    async def _call(self, connection: Connection, number: int) -> Connection:
        caller = number % self._callers
        session, msisdn = f"ATUid_{self._run}{number:08x}", f"25078{1_000_000 + caller}"
        seen: dict[str, bytes] = {}
        for history in EFFECT_HOPS:
            body = form(session, msisdn, history)
            if self._random.random() < self._faults.drop:
                connection = await self._dropped(connection, body)
            started = time.perf_counter()
            reply = await connection.post(body)
            self.tally.times_s.append(time.perf_counter() - started)
            self.tally.hops += 1
            self._judge(caller, history, reply)
            if self._random.random() < self._faults.duplicate:
                self.tally.duplicates += 1
                self._same(reply, await connection.post(body), history)
            if seen and self._random.random() < self._faults.late:
                self.tally.late += 1
                older = self._random.choice(list(seen))
                again = await connection.post(form(session, msisdn, older))
                self._same(seen[older], again, older)
            seen[history] = reply
        return connection

    async def _dropped(self, connection: Connection, body: bytes) -> Connection:
        """The hop arrives, its reply does not; the gateway sends it again on a new connection."""
        self.tally.drops += 1
        connection.write(body)
        await asyncio.sleep(0)
        connection.drop()
        return await connect(self._port)

    def _judge(self, caller: int, history: str, reply: bytes) -> None:
        if not self._check:
            return
        # A reply is right when it is the one that every caller of this language gets.
        words = reply
        if history == "8*6*8":
            words = reply[: reply.index(b"T-")] if b"T-" in reply else reply
        expected = self._expected.setdefault((caller % 3, history), words)
        if words != expected or not reply.startswith(b"CON "):
            self._wrong(history, reply, expected)

    def _same(self, first: bytes, again: bytes, history: str) -> None:
        if self._check and first != again:
            self._wrong(history, again, first)

    def _wrong(self, history: str, reply: bytes, expected: bytes) -> None:
        self.tally.wrong += 1
        if len(self.tally.examples) < 3:
            self.tally.examples.append(f"{history}: {reply!r} is not {expected!r}")
