"""Farmers at their phones in the storm: lost replies, hops sent twice, wrong PINs, and patience."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import aiohttp

from tests.phone import PIN
from tests.storm import world

_WRONG = ("80642", "51937", "94028")
_ASKS_PIN, _LOCKED, _YES = "never your MoMo PIN", "Too many wrong PINs", "You accepted"
_HOPS_MAX = 40


class Farmer:
    """One farmer, who dials, reads, and types on; `flushes` says how often sessions were lost."""

    def __init__(
        self, number: int, seed: str, http: aiohttp.ClientSession, flushes: Callable[[], int]
    ) -> None:
        self.number, self._http, self._flushes = number, http, flushes
        self._chance = random.Random(f"{seed} farmer {number}")
        self._seen: dict[tuple[int, str], tuple[str, int]] = {}
        self.faults = Counter[str]()
        self.unequal: list[str] = []
        self.accepted = self.locked = self.let_in_though_locked = False

    async def calls(self) -> None:
        """Answer the offer with the PIN; who was locked out calls once more with the right PIN."""
        await self._call(0)
        if self.locked:
            await asyncio.sleep(60)
            await self._call(1)
            self.let_in_though_locked = self.accepted

    async def _call(self, call: int) -> None:
        history = ["", "2", "1", "1"]
        for size in range(1, len(history) + 1):
            shown = await self._hop(call, history[1:size])
        wrong = self._wrong_pins(call)
        for _hop in range(_HOPS_MAX):
            if _ASKS_PIN not in shown or shown.startswith("END"):
                break
            history.append(wrong[0] if wrong else PIN)
            shown = await self._hop(call, history[1:])
            if "Wrong PIN" in shown and wrong and not world.is_locker(self.number):
                wrong.pop(0)
        self.accepted = self.accepted or _YES in shown
        self.locked = self.locked or _LOCKED in shown

    def _wrong_pins(self, call: int) -> list[str]:
        if world.is_locker(self.number):
            return [] if call else [self._chance.choice(_WRONG)]
        return [self._chance.choice(_WRONG)] if self._chance.random() < 0.1 else []

    async def _hop(self, call: int, typed: list[str]) -> str:
        text, kind = "*".join(typed), self._chance.random()
        if kind < 0.1:
            self.faults["hops twice at once"] += 1
            both = await asyncio.gather(self._sends(call, text), self._sends(call, text))
            return both[0]
        if kind < 0.2:
            self.faults["lost replies"] += 1
            await self._sends(call, text, lost=True)
        shown = await self._sends(call, text)
        if kind > 0.85:
            self.faults["hops again later"] += 1
            await asyncio.sleep(self._chance.uniform(0.1, 5))
            return await self._sends(call, text)
        return shown

    async def _sends(self, call: int, text: str, lost: bool = False) -> str:
        """The reply, asked for until it comes; the gateway repeats when the server is not there."""
        form = {"sessionId": f"ATUid_{self.number}_{call}", "networkCode": "63510", "text": text,
                "phoneNumber": world.farmer(self.number), "serviceCode": "*384*801#"}  # fmt: skip
        while True:
            try:
                async with self._http.post("http://isoko/ussd/africastalking", data=form) as answer:
                    body = await answer.text()
                    assert answer.status == 200, body
            except (aiohttp.ClientError, OSError):
                self.faults["hops without an answer"] += 1
                await asyncio.sleep(2)
            else:
                if not lost:
                    self._compare(call, text, body)
                return body

    def _compare(self, call: int, text: str, body: str) -> None:
        """Byte-equal to the first; also after sessions were lost, where a deed was done."""
        flushes = self._flushes()
        before, then = self._seen.setdefault((call, text), (body, flushes))
        if before != body and (then == flushes or _YES in before):
            self.unequal.append(f"{self.number} {text!r}: {before!r} / {body!r}")
        self._seen[call, text] = (body if then != flushes else before, flushes)
