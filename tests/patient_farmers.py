"""Farmers who accept an order each, through a gateway that never gives up; and what they saw."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server_process import ServerProcess
from tests.slow_line import Line
from tests.small_disk import SmallDisk

_DIALS_MAX, _SENDS_MAX = 12, 200
_CODE = re.compile(r"KW-\d+")


@dataclass(slots=True)
class World:
    """What runs, and what was seen."""

    valkey: RealValkey
    postgres: RealPostgres
    server: ServerProcess
    lines: list[Line]
    # Where PostgreSQL lies, when this machine can give it a disk of its own.
    disk: SmallDisk | None
    told: set[int] = field(default_factory=set)
    found_accepted: set[int] = field(default_factory=set)
    # Who gave up, with what was read last.
    unserved: dict[int, str] = field(default_factory=dict)
    last: dict[int, str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    worst_s: dict[str, float] = field(default_factory=dict)
    of_another: list[str] = field(default_factory=list)
    answered_at: float = 0.0
    hops: int = 0


class Farmers:
    """Farmers who call through a gateway that never gives up."""

    def __init__(self, world: World) -> None:
        self._world, self._next = world, 0
        self.stopped = False

    async def call(self, http: aiohttp.ClientSession, farmers: int) -> None:
        """One line of the gateway: one farmer after the other."""
        while not self.stopped and self._next < farmers:
            number, self._next = self._next, self._next + 1
            for dial in range(_DIALS_MAX):
                if await self._accepts(http, number, f"ATUid_{number}_{dial}"):
                    break
                await asyncio.sleep(0.3)
            else:
                self._world.unserved[number] = self._world.last[number]

    async def _accepts(self, http: aiohttp.ClientSession, number: int, session: str) -> bool:
        history, own = "", f"KW-{number}"
        # A call cut before is offered to be gone on with: 00 leads home from there too.
        card = "2 Orders" not in await self._hop(http, session, number, "")
        steps = [("00", "2 Orders")] if card else []
        for entry, expected in (*steps, ("2", own), ("1", own), ("1", "PIN"), (PIN, "You acc")):
            history = f"{history}*{entry}".strip("*")
            screen = await self._hop(http, session, number, history)
            if entry == "2" and "You have no new orders" in screen:
                self._world.found_accepted.add(number)
                return True
            if expected not in screen:
                return False
        self._world.told.add(number)
        return True

    async def _hop(
        self, http: aiohttp.ClientSession, session: str, number: int, history: str
    ) -> str:
        form = {"sessionId": session, "phoneNumber": msisdn_of(number), "networkCode": "63510",
                "serviceCode": "*384*801#", "text": history}  # fmt: skip
        url = f"{self._world.server.url}/ussd/africastalking"
        for _send in range(_SENDS_MAX):
            try:
                async with http.post(url, data=form) as response:
                    screen = await response.text()
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.1)
                continue
            self._world.hops += 1
            self._world.answered_at = time.monotonic()
            self._world.last[number] = f"{history}: {screen}"
            if set(_CODE.findall(screen)) - {f"KW-{number}"}:
                self._world.of_another.append(f"{number} saw {screen!r}")
            return screen
        return ""


def msisdn_of(number: int) -> str:
    """The number of the farmer with this number."""
    return f"+25078{3_000_000 + number}"
