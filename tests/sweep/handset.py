"""A phone behind a gateway that sends a hop again when no answer came, as gateways do."""

from __future__ import annotations

import asyncio
import secrets

import aiohttp

from tests.sweep.world import World

_TRIES = 20


class Handset:
    """One phone. Every hop that is sent twice must have the same answer, byte for byte."""

    def __init__(self, world: World, msisdn: str) -> None:
        self._world, self._msisdn = world, msisdn
        self._session, self._history = "", []
        self.last = ""

    async def dials(self) -> str:
        """A new session; the screen as it came."""
        self._session, self._history = f"ATUid_{secrets.token_hex(8)}", []
        return await self._hop()

    async def types(self, *entries: str) -> str:
        """Answer one screen after the other; the last screen."""
        for entry in entries:
            self._history.append(entry)
            await self._hop()
        return self.last

    async def repeats(self) -> None:
        """The gateway sends the last hop once more."""
        again = await self._send()
        if again != self.last:
            minutes = self._world.ahead_s / 60
            said = f"I12 first {self.last!r}, again {again!r}, by {minutes:.0f} virtual minutes"
            self._world.wrong.append(said)

    async def _hop(self) -> str:
        lives = self._world.lives
        self.last = await self._send()
        if self._world.lives != lives:
            await self.repeats()
        return self.last

    async def _send(self) -> str:
        form = {
            "sessionId": self._session,
            "phoneNumber": self._msisdn,
            "networkCode": "63510",
            "serviceCode": "*384*801#",
            "text": "*".join(self._history),
        }
        url = f"{self._world.url}/ussd/africastalking"
        for _try in range(_TRIES):
            await self._world.up()
            try:
                async with self._world.http.post(url, data=form) as answer:
                    body = await answer.text()
                await self._world.outlive_answer()
                return body
            except (aiohttp.ClientError, OSError, TimeoutError):
                await asyncio.sleep(0.02)
        raise RuntimeError("no answer to a hop")
