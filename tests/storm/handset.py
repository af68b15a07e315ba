"""A phone in the storm: lost replies, hops sent twice, and a gateway that repeats until answered."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import aiohttp


class Handset:
    """Sends hops and compares the replies; `flushes` says how often sessions were lost.

    A reply for which `is_deed` is true must stay the same also where sessions were lost.
    """

    def __init__(
        self,
        msisdn: str,
        chance: random.Random,
        http: aiohttp.ClientSession,
        flushes: Callable[[], int],
        is_deed: Callable[[str], bool],
    ) -> None:
        self._msisdn, self._chance, self._http = msisdn, chance, http
        self._flushes, self._is_deed = flushes, is_deed
        self._seen: dict[tuple[int, str], tuple[str, int]] = {}
        self.faults = Counter[str]()
        self.unequal: list[str] = []

    async def hop(self, call: int, typed: list[str]) -> str:
        """The raw reply to all that was typed in this call."""
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
        form = {"sessionId": f"ATUid_{self._msisdn[1:]}_{call}", "networkCode": "63510",
                "text": text, "phoneNumber": self._msisdn, "serviceCode": "*384*801#"}  # fmt: skip
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
        if before != body and (then == flushes or self._is_deed(before)):
            self.unequal.append(f"{self._msisdn} {text!r}: {before!r} / {body!r}")
        self._seen[call, text] = (body if then != flushes else before, flushes)
