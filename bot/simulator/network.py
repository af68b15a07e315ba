"""The network between the web phone and the gateway's route, as bad as the switches say.

It speaks the gateway's wire only: what is sent twice, late or out of order is a form posted again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from bot.simulator.headers import HEADERS

# What went wrong on the way, in words: the page says so.
SAID = "X-Isoko-Network"
FAULTS = ("hop_twice", "hop_reply_lost", "hop_slow_s", "hop_out_of_order")
_ASIDE = aiohttp.ClientTimeout(total=30)
_SESSIONS_MAX, _SLOW_MAX_S = 200, 20.0


@dataclass(frozen=True, slots=True)
class _Hop:
    """What was sent, and what came back."""

    sent: bytes
    status: int
    got: bytes


class Network:
    """One for all phones of the page. `switches_url` is where the pretended outside says them."""

    def __init__(self, http: aiohttp.ClientSession, switches_url: str, gateway_path: str) -> None:
        self._http, self._switches_url, self._path = http, switches_url, gateway_path
        self._last: OrderedDict[str, _Hop] = OrderedDict()
        # Of each session the hops whose reply was lost once: sent again they arrive.
        self._lost: OrderedDict[str, set[bytes]] = OrderedDict()

    async def carry(self, request: web.Request) -> web.Response:
        """Bring a hop to the gateway's route and its reply back; 504 where the reply is lost."""
        faults, body = await self._faults(), await request.read()
        session = (await request.post()).get("sessionId", "")
        key, said = str(session)[:64], list[str]()
        hop = await self._send(request, body)
        if faults.get("hop_twice"):
            again = await self._send(request, body)
            said.append(f"sent twice, {_same(again, hop)}")
        before = self._last.get(key)
        if faults.get("hop_out_of_order") and before is not None and before.sent != body:
            late = await self._send(request, before.sent)
            said.append(f"the hop before came again after this one, {_same(late, before)}")
        if slow_s := min(float(faults.get("hop_slow_s") or 0), _SLOW_MAX_S):
            await asyncio.sleep(slow_s)
            said.append(f"the reply came {slow_s:g} s late")
        _remember(self._last, key, hop)
        if faults.get("hop_reply_lost") and self._is_first(key, body):
            said.append("the reply was lost")
            return _answer(504, b"", said)
        return _answer(hop.status, hop.got, said)

    async def _faults(self) -> dict[str, Any]:
        try:
            async with self._http.get(self._switches_url, timeout=_ASIDE) as answer:
                state: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return {}
        switches: dict[str, Any] = state.get("switches", {})
        return switches

    async def _send(self, request: web.Request, body: bytes) -> _Hop:
        """Post it where this request itself came in: a header of its sender names no address."""
        transport = request.transport
        if transport is None:
            raise web.HTTPBadGateway
        host, port = transport.get_extra_info("sockname")[:2]
        place = f"[{host}]" if ":" in host else host
        url = f"{request.scheme}://{place}:{port}{self._path}"
        headers = {"Host": request.host, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with self._http.post(
                url, data=body, headers=headers, timeout=_ASIDE, ssl=False
            ) as answer:
                return _Hop(body, answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise web.HTTPBadGateway from error

    def _is_first(self, key: str, body: bytes) -> bool:
        lost = self._lost.get(key) or set()
        if body in lost:
            return False
        _remember(self._lost, key, lost | {body})
        return True


def _remember(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _SESSIONS_MAX:
        kept.popitem(last=False)


def _same(one: _Hop, other: _Hop) -> str:
    same = (one.status, one.got) == (other.status, other.got)
    return "the same reply" if same else "ANOTHER REPLY"


def _answer(status: int, body: bytes, said: list[str]) -> web.Response:
    headers = {**HEADERS, SAID: "; ".join(said)} if said else dict(HEADERS)
    return web.Response(body=body, status=status, content_type="text/plain", headers=headers)
