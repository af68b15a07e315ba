"""A phone on Africa's Talking's wire: the history grows, each hop is a form post."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

import aiohttp


@dataclass(frozen=True, slots=True)
class Shown:
    """What came back: whether the call stays open, the text, the raw body and the HTTP status."""

    open: bool
    text: str
    raw: bytes
    status: int

    @property
    def asks_pin(self) -> bool:
        """Whether what is typed next is a PIN, as far as the words tell."""
        asks = self.open and not _CHOICE.search(self.text) and not _NEVER.search(self.text)
        return asks and bool(_PIN.search(self.text))


# A PIN is asked for where nothing is to be chosen; not where people are told never to write one.
_PIN = re.compile(r"PIN|umubare w'ibanga", re.IGNORECASE)
_NEVER = re.compile(r"never write|ntukandike", re.IGNORECASE)
_CHOICE = re.compile(r"^[1-9]", re.MULTILINE)


@dataclass(slots=True)
class GatewayPhone:
    """One phone. A new dial is a new session; `history` is what the gateway would send."""

    http: aiohttp.ClientSession
    url: str
    msisdn: str
    network: str = "63510"
    service_code: str = "*384*801#"
    session_id: str = ""
    history: list[str] = field(default_factory=list)

    async def dial(self, tail: str = "") -> Shown:
        """Begin a session; `tail` is what a long code adds, such as "1" in *384*801*1#."""
        self.session_id = f"ATUid_{secrets.token_hex(16)}"
        self.history = [tail] if tail else []
        return await self.send()

    async def type(self, entry: str) -> Shown:
        """Answer the screen."""
        self.history.append(entry)
        return await self.send()

    async def send(self) -> Shown:
        """Send the hop as it stands: the first time, or again after a lost reply."""
        form = {
            "sessionId": self.session_id,
            "phoneNumber": self.msisdn,
            "networkCode": self.network,
            "serviceCode": self.service_code,
            "text": "*".join(self.history),
        }
        async with self.http.post(self.url, data=form) as response:
            raw = await response.read()
            text = raw.decode()
            return Shown(text.startswith("CON "), text[4:], raw, response.status)

    async def hang_up(self, status: str = "Incomplete") -> int:
        """Let the gateway tell the end of the session."""
        form = {
            "sessionId": self.session_id,
            "phoneNumber": self.msisdn,
            "networkCode": self.network,
            "serviceCode": self.service_code,
            "status": status,
            "hopsCount": str(len(self.history) + 1),
        }
        async with self.http.post(f"{self.url}/events", data=form) as response:
            return response.status
