"""Phones behind each gateway: what its wire sends and how its answer is read, in one way."""

from __future__ import annotations

import itertools
import json
import secrets
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar
from xml.etree import ElementTree

from aiohttp.test_utils import TestClient

CODE = "384*801"
_second = itertools.count()


@dataclass(slots=True)
class Shown:
    """What came back: the raw answer, and what of it a phone shows."""

    status: int
    headers: dict[str, str]
    body: bytes
    text: str = ""
    ends: bool = False


class Handset:
    """One phone; `ask` is the request of its last hop, to be sent again as it stands."""

    gateway: ClassVar[str] = ""
    method: ClassVar[str] = "POST"
    kind: ClassVar[str] = ""

    def __init__(self, client: TestClient, msisdn: str) -> None:
        self.client, self.msisdn = client, msisdn
        self.session_id, self.ask = "", {}
        self.last = Shown(0, {}, b"")

    async def dials(self, tail: str = "") -> str:
        """A new session; `tail` is what a long code adds."""
        self.session_id = str(secrets.randbits(50))
        self.ask = self._first(f"{CODE}*{tail}" if tail else CODE)
        return (await self.sends()).text

    async def types(self, *entries: str) -> str:
        """Answer one screen after the other; the last screen."""
        for entry in entries:
            self.ask = self._next(entry)
            await self.sends()
        return self.last.text

    async def sends(self) -> Shown:
        """Send the hop as it stands, again if need be."""
        self.last = await self.posts()
        assert self.last.status == 200, self.last.body
        self.last.text, self.last.ends = self.reads(self.last)
        return self.last

    async def posts(self, path: str = "", **other: Any) -> Shown:
        """The raw answer to the hop as it stands, to a path of this gateway."""
        url = f"/ussd/{self.gateway}{path}"
        ask = self.client.get if self.method == "GET" else self.client.post
        async with ask(url, **{**self.ask, **other}) as answer:
            return Shown(answer.status, dict(answer.headers), await answer.read())

    def hangs_up(self) -> dict[str, Any] | None:
        """What the gateway says when the call is over; None when it says nothing here."""
        return None

    def reads(self, shown: Shown) -> tuple[str, bool]:
        raise NotImplementedError

    def _first(self, dialled: str) -> dict[str, Any]:
        raise NotImplementedError

    def _next(self, entry: str) -> dict[str, Any]:
        raise NotImplementedError


class AfricasTalking(Handset):
    gateway, kind = "africastalking", "text/plain; charset=utf-8"

    def __init__(self, client: TestClient, msisdn: str) -> None:
        super().__init__(client, msisdn)
        self._history: list[str] = []

    def reads(self, shown: Shown) -> tuple[str, bool]:
        text = shown.body.decode()
        return text[4:], text.startswith("END ")

    def _first(self, dialled: str) -> dict[str, Any]:
        tail = dialled.removeprefix(CODE).removeprefix("*")
        self._history = tail.split("*") if tail else []
        return self._form()

    def _next(self, entry: str) -> dict[str, Any]:
        self._history.append(entry)
        return self._form()

    def _form(self) -> dict[str, Any]:
        return {"data": {"sessionId": self.session_id, "phoneNumber": self.msisdn,
                         "networkCode": "63510", "serviceCode": f"*{CODE}#",
                         "text": "*".join(self._history)}}  # fmt: skip


class Oltranz(Handset):
    gateway, kind = "oltranz", "application/json;charset=UTF-8"

    def reads(self, shown: Shown) -> tuple[str, bool]:
        said = json.loads(shown.body)
        asked = self.asked()
        assert {**asked, "response": said["response"], "action": said["action"]} == said
        assert said["action"] in ("CON", "END")
        return said["response"], said["action"] == "END"

    def asked(self) -> dict[str, Any]:
        return self.ask["json"]

    def _first(self, dialled: str) -> dict[str, Any]:
        return self._object(f"*{dialled}#", 1)

    def _next(self, entry: str) -> dict[str, Any]:
        return self._object(entry, 0)

    def _object(self, text: str, new: int) -> dict[str, Any]:
        now = next(_second)
        moment = f"2026-09-28 {now // 3600 % 24:02}:{now // 60 % 60:02}:{now % 60:02}"
        return {"json": {"sessionId": self.session_id, "serviceCode": f"*{CODE}#",
                         "phoneNumber": self.msisdn[1:], "text": text, "response": "",
                         "action": "", "transactionId": "", "requestTime": moment,
                         "newRequest": new, "charge": "N", "amount": 0}}  # fmt: skip


class Mtn(Handset):
    gateway, kind = "mtn", "application/xml; charset=UTF-8"
    transaction = ""

    def reads(self, shown: Shown) -> tuple[str, bool]:
        said = ElementTree.fromstring(shown.body)
        assert said.tag == "response"
        assert said.findtext("msisdn") == self.msisdn[1:]
        assert said.findtext("sessionid") == self.session_id
        state = said.findtext("freeflow/freeflowState")
        assert state in ("FC", "FB")
        return said.findtext("applicationResponse") or "", state == "FB"

    def hangs_up(self) -> dict[str, Any]:
        return self._xml("", 0, "cleanup")

    def _first(self, dialled: str) -> dict[str, Any]:
        return self._xml(dialled, 1)

    def _next(self, entry: str) -> dict[str, Any]:
        return self._xml(entry, 0)

    def _xml(self, text: str, new: int, what: str = "pull") -> dict[str, Any]:
        named = f"<transactionId>{self.transaction}</transactionId>" if self.transaction else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            f'<request type="{what}"><subscriberInput>{escape(text)}</subscriberInput>'
            f"<sessionId>{self.session_id}</sessionId><msisdn>{self.msisdn[1:]}</msisdn>"
            f"<newRequest>{new}</newRequest>{named}<parameters>\n</parameters>"
            "<freeflow><mode>FE</mode></freeflow></request>"
        )
        return {"data": body.encode(), "headers": {"Content-Type": "application/xml"}}


class Airtel(Handset):
    gateway, method, kind = "airtel", "GET", "text/plain; charset=utf-8"

    def reads(self, shown: Shown) -> tuple[str, bool]:
        assert (shown.headers["charge"], shown.headers["amount"]) == ("N", "0")
        assert shown.headers["Freeflow"] in ("FC", "FB")
        text = shown.body.decode()
        assert text == text.lstrip()
        return text, shown.headers["Freeflow"] == "FB"

    def hangs_up(self) -> dict[str, Any]:
        return {"params": {"SessionID": self.session_id, "msisdn": self.msisdn[1:],
                           "clean": "clean-session", "error": "522"}}  # fmt: skip

    def _first(self, dialled: str) -> dict[str, Any]:
        return self._next(dialled)

    def _next(self, entry: str) -> dict[str, Any]:
        return {"params": {"SessionID": self.session_id, "MSISDN": self.msisdn[1:],
                           "MSC": "250730000001", "input": entry}}  # fmt: skip


EACH: tuple[type[Handset], ...] = (AfricasTalking, Oltranz, Mtn, Airtel)
LATEST_ONLY: tuple[type[Handset], ...] = (Oltranz, Mtn, Airtel)
