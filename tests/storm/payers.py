"""People who pay the hub in the storm, by phone; some in two calls at once, or once more later."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import aiohttp

from tests.storm import world
from tests.storm.handset import Handset

# What a person may be told whose yes was taken: asked now, later, asked before, or paid.
_TOLD = ("asks you to pay", "We are checking the payment", "waits and goes on", "is paid.")
_HOPS_MAX, _CALLS_MAX = 15, 6


class Payer:
    """One person with a bill; `told` once a screen has said that their yes was taken."""

    def __init__(
        self, number: int, seed: str, http: aiohttp.ClientSession, flushes: Callable[[], int]
    ) -> None:
        self.number, self.told = number, False
        self._chance = random.Random(f"{seed} payer {number}")
        self._pays = f"Pay {world.bill_code(number)}"
        self.handset = Handset(world.payer(number), self._chance, http, flushes, _is_told)

    async def calls(self) -> None:
        """Pay the bill; who is able to pay tries to pay it twice."""
        if world.has_wallet(self.number) and self._chance.random() < 0.3:
            self.handset.faults["bills paid in two calls at once"] += 1
            await asyncio.gather(self._call(0), self._call(1))
        for call in range(2, _CALLS_MAX):
            if self.told:
                break
            await self._call(call)
            await asyncio.sleep(5)
        if world.has_wallet(self.number) and self._chance.random() < 0.2:
            self.handset.faults["bills paid again later"] += 1
            await asyncio.sleep(self._chance.uniform(30, 1200))
            await self._call(_CALLS_MAX)

    async def _call(self, call: int) -> None:
        typed: list[str] = []
        shown = await self.handset.hop(call, typed)
        for _hop in range(_HOPS_MAX):
            key = self._key(shown)
            if shown.startswith("END") or not key:
                break
            typed.append(key)
            shown = await self.handset.hop(call, typed)
        self.told = self.told or _is_told(shown)

    def _key(self, shown: str) -> str:
        """The key that leads on to the payment; "" where nothing does."""
        lines = [line.partition(" ") for line in shown.removeprefix("CON ").split("\n")]
        keys = {label: key for key, _blank, label in lines if key.isdecimal()}
        leads = (self._pays, "Confirm", "Payments", "Home")
        return next((keys[label] for label in leads if label in keys), "")


def _is_told(shown: str) -> bool:
    return shown.startswith("END") and any(words in shown for words in _TOLD)
