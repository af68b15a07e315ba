"""Menus while PINs are tried: menu hops alone, then the same beside 200 PIN attempts a second."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from bench.calls import form
from bench.connection import Connection, connect

_MENU = ("", "1", "1*1", "1*1*00")
_TO_THE_PIN = ("", "6", "6*1")
_LANES = 16


@dataclass(slots=True)
class FloodTally:
    """Seconds of each menu hop, and what became of the PIN attempts."""

    times_s: list[float] = field(default_factory=list)
    attempts: int = 0
    checked: int = 0

    def at_ms(self, share: float) -> float:
        """The time within which this `share` of the menu hops was answered, in ms."""
        ordered = sorted(self.times_s)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


class PinFlood:
    """Paced load: both kinds leave by the clock, whether or not earlier ones were answered.

    The attackers are the callers from `first` on; the menus' callers are the last 512.
    """

    def __init__(
        self, port: int, seconds: float, menus_per_s: int, pins_per_s: int, first: int
    ) -> None:
        self._port, self._seconds, self._first = port, seconds, first
        self._menus_per_s, self._pins_per_s = menus_per_s, pins_per_s
        self._run = f"{time.time_ns():x}"
        self.tally = FloodTally()

    async def run(self) -> FloodTally:
        """Bring the attackers to the PIN's screen, then measure."""
        ready = await self._attackers()
        lanes = [await connect(self._port) for _one in range(4 * _LANES)]
        menus, pins = lanes[: 2 * _LANES], lanes[2 * _LANES :]
        await asyncio.gather(self._menus(menus), self._pins(pins, ready))
        for lane in lanes:
            lane.drop()
        return self.tally

    async def _attackers(self) -> list[tuple[str, str]]:
        """Calls that stand before the PIN, each of another number."""
        calls = [
            (f"ATUid_p{self._run}{n:08x}", f"25078{1_000_000 + self._first + n}")
            for n in range(int(self._pins_per_s * self._seconds))
        ]
        waiting = iter(calls)

        async def walk() -> None:
            lane = await connect(self._port)
            for session, number in waiting:
                for history in _TO_THE_PIN:
                    await lane.post(form(session, number, history))
            lane.drop()

        await asyncio.gather(*(walk() for _one in range(_LANES)))
        return calls

    async def _menus(self, lanes: list[Connection]) -> None:
        calls = iter(range(int(self._menus_per_s * self._seconds) // len(_MENU)))
        started, free = time.perf_counter(), asyncio.Queue[Connection]()
        for lane in lanes:
            free.put_nowait(lane)
        async with asyncio.TaskGroup() as group:
            for call in calls:
                due = started + call * len(_MENU) / self._menus_per_s
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                group.create_task(self._menu_call(free, call, time.perf_counter()))

    async def _menu_call(self, free: asyncio.Queue[Connection], call: int, asked_at: float) -> None:
        lane = await free.get()
        # Callers who attack nobody, at the end of the registered ones.
        session, number = f"ATUid_m{self._run}{call:08x}", f"25078{1_004_095 - call % 512}"
        for history in _MENU:
            reply = await lane.post(form(session, number, history))
            assert reply.startswith(b"CON "), reply
            self.tally.times_s.append(time.perf_counter() - asked_at)
            asked_at = time.perf_counter()
        free.put_nowait(lane)

    async def _pins(self, lanes: list[Connection], ready: list[tuple[str, str]]) -> None:
        started, free = time.perf_counter(), asyncio.Queue[Connection]()
        for lane in lanes:
            free.put_nowait(lane)
        async with asyncio.TaskGroup() as group:
            for place, (session, number) in enumerate(ready):
                due = started + place / self._pins_per_s
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                group.create_task(self._attempt(free, session, number))

    async def _attempt(self, free: asyncio.Queue[Connection], session: str, number: str) -> None:
        lane = await free.get()
        reply = await lane.post(form(session, number, "6*1*80642"))
        self.tally.attempts += 1
        # "Tries left" in each language; who is told to wait was not checked.
        self.tally.checked += any(word in reply for word in (b"zisigaye", b"restants", b"left"))
        free.put_nowait(lane)
