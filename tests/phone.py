"""A pretended phone: dials, types, reads; over the real route of the real server."""

from __future__ import annotations

import secrets

from aiohttp.test_utils import TestClient

PIN = "73914"


class Phone:
    """One phone on Africa's Talking's wire. `last` is the raw body of the last reply."""

    def __init__(self, client: TestClient, msisdn: str, network: str = "63510") -> None:
        self._client, self.msisdn, self.network = client, msisdn, network
        self.session_id, self.history = "", []
        self.last = ""

    async def dials(self, tail: str = "") -> str:
        """A new session; `tail` is what a long code adds. The screen, without CON or END."""
        self.session_id = f"ATUid_{secrets.token_hex(16)}"
        self.history = tail.split("*") if tail else []
        return await self.sends()

    async def types(self, *entries: str) -> str:
        """Answer one screen after the other; the last screen."""
        screen = ""
        for entry in entries:
            self.history.append(entry)
            screen = await self.sends()
        return screen

    async def sends(self, text: str | None = None) -> str:
        """Send the hop as it stands, again if need be, or another history."""
        body = await self.posts(text)
        assert body.startswith(("CON ", "END ")), body
        self.last = body
        return body[4:]

    async def posts(self, text: str | None = None, **other: str) -> str:
        """The raw body of the answer, which must be a 200."""
        form = {
            "sessionId": self.session_id,
            "phoneNumber": self.msisdn,
            "networkCode": self.network,
            "serviceCode": "*384*801#",
            "text": "*".join(self.history) if text is None else text,
            **other,
        }
        async with self._client.post("/ussd/africastalking", data=form) as response:
            body = await response.text()
            assert response.status == 200, body
            assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            return body

    async def picks(self, label: str) -> str:
        """Press the number in front of `label`, over the pages if need be."""
        for _page in range(6):
            for line in self.last[4:].split("\n"):
                number, _, words = line.partition(" ")
                if words == label and number.isdecimal():
                    return await self.types(number)
            await self.types("99")
        raise AssertionError(f"no choice {label!r} on {self.last!r}")

    @property
    def ended(self) -> bool:
        """Whether the last reply closed the call."""
        return self.last.startswith("END ")
