"""Farmers at their phones in the storm: they answer their offers, with wrong PINs and patience."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import aiohttp

from tests.phone import PIN
from tests.storm import world
from tests.storm.handset import Handset

_WRONG = ("80642", "51937", "94028")
_ASKS_PIN, _LOCKED, _YES = "never your MoMo PIN", "Too many wrong PINs", "You accepted"
_HOPS_MAX = 40


class Farmer:
    """One farmer, who dials, reads, and types on."""

    def __init__(
        self, number: int, seed: str, http: aiohttp.ClientSession, flushes: Callable[[], int]
    ) -> None:
        self.number = number
        self._chance = random.Random(f"{seed} farmer {number}")
        self.handset = Handset(
            world.farmer(number), self._chance, http, flushes, lambda shown: _YES in shown
        )
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
            shown = await self.handset.hop(call, history[1:size])
        wrong = self._wrong_pins(call)
        for _hop in range(_HOPS_MAX):
            if _ASKS_PIN not in shown or shown.startswith("END"):
                break
            history.append(wrong[0] if wrong else PIN)
            shown = await self.handset.hop(call, history[1:])
            if "Wrong PIN" in shown and wrong and not world.is_locker(self.number):
                wrong.pop(0)
        self.accepted = self.accepted or _YES in shown
        self.locked = self.locked or _LOCKED in shown

    def _wrong_pins(self, call: int) -> list[str]:
        if world.is_locker(self.number):
            return [] if call else [self._chance.choice(_WRONG)]
        return [self._chance.choice(_WRONG)] if self._chance.random() < 0.1 else []
