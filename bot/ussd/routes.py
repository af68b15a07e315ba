"""The USSD door: read, ask the engine, write. The list of gateways stands here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

import structlog
from aiohttp import web

from bot.bodies import BadBody, body_of
from bot.engine import Engine
from bot.engine.courtesies import shed
from bot.faults import new_request_id
from bot.knock import Answer, Knock, WireReply
from bot.source import source_of
from bot.ussd import africastalking, airtel, mtn, oltranz
from bot.ussd.door import DoorRules, as_wire, check_code, check_secret, let_in
from bot.ussd.feature_phone import FeaturePhone
from bot.ussd.gateway import BadRequest, Gateway

# One gateway a file; a new one is a file and a line here.
GATEWAYS: Mapping[str, Gateway] = MappingProxyType(
    {
        "africastalking": cast("Gateway", africastalking),
        "oltranz": cast("Gateway", oltranz),
        "mtn": cast("Gateway", mtn),
        "airtel": cast("Gateway", airtel),
    }
)

_WORDS = (("Content-Type", "text/plain; charset=utf-8"),)

# What a gateway reads that tells on the hops' path that a session is over.
_NOTED = WireReply(b"", _WORDS)

log = structlog.get_logger(__name__)


class UssdDoor:
    """The routes of one gateway."""

    def __init__(
        self,
        gateway: Gateway,
        engine: Engine,
        layout: FeaturePhone,
        rules: DoorRules,
        country: str,
        refused: Callable[[str, int], None],
        guessed: Callable[[str, str], None],
    ) -> None:
        """`guessed` hears of each wrong secret, from which source."""
        self._guessed = guessed
        self._gateway, self._engine, self._layout = gateway, engine, layout
        self._rules, self._country, self._refused = rules, country, refused

    def mount(self, app: web.Application) -> None:
        """Add the gateway's routes to `app`; with a secret they exist only under it."""
        tail = "/{secret}" if self._rules.secret else ""
        for method in self._gateway.methods:
            app.router.add_route(method, f"/ussd/{self._gateway.path}{tail}", self._hop)
        if self._gateway.events:
            app.router.add_post(f"/ussd/{self._gateway.events}{tail}", self._event)

    def answers(self) -> dict[tuple[str, str], Answer]:
        """What the quick lane needs: who answers which method on which exact path."""
        tail = f"/{self._rules.secret}" if self._rules.secret else ""
        path = f"/ussd/{self._gateway.path}{tail}"
        return {(method, path): self.hop for method in self._gateway.methods}

    async def hop(self, request: Knock, body: bytes) -> WireReply:
        """Answer one hop of whoever knows the path. Refusals are 4xx with nothing written."""
        try:
            let_in(request, self._gateway, self._rules)
            inbound = self._gateway.read(as_wire(request, body, self._rules), self._country)
            check_code(inbound, self._gateway, self._rules)
        except BadRequest as bad:
            return self._refuse(bad)
        try:
            if inbound.kind == "end":
                await self._engine.hung_up(inbound)
                return _NOTED
            reply = await self._engine.handle(inbound, self._layout)
        except Exception:
            # The stores are out of reach: the person hears so, the gateway never sees a 500.
            request_id = new_request_id()
            log.exception("hop failed", gateway=self._gateway.path, request_id=request_id)
            reply = shed()
        return self._gateway.write(inbound, reply)

    async def _hop(self, request: web.Request) -> web.Response:
        try:
            body = await self._body_of(request)
        except BadRequest as bad:
            return _response(self._refuse(bad))
        return _response(await self.hop(request, body))

    async def _event(self, request: web.Request) -> web.Response:
        # It may come twice, early or for nobody: always 200.
        try:
            body = await self._body_of(request)
            inbound = self._gateway.read_event(as_wire(request, body, self._rules), self._country)
        except BadRequest as bad:
            return _response(self._refuse(bad))
        await self._engine.hung_up(inbound)
        return web.Response(text="ok")

    async def _body_of(self, request: web.Request) -> bytes:
        """The body, waited for only where it is worth reading. Raises `BadRequest`."""
        try:
            check_secret(request, self._rules)
        except BadRequest:
            self._guessed(self._gateway.path, source_of(request, self._rules.proxies))
            raise
        let_in(request, self._gateway, self._rules)
        try:
            return await body_of(request, self._rules.body_timeout_s)
        except BadBody as bad:
            raise BadRequest(str(bad), bad.status) from None

    def _refuse(self, bad: BadRequest) -> WireReply:
        self._refused(self._gateway.path, bad.status)
        log.warning("request refused", gateway=self._gateway.path, why=str(bad), status=bad.status)
        return WireReply(f"{bad}\n".encode(), _WORDS, bad.status)


def _response(reply: WireReply) -> web.Response:
    return web.Response(body=reply.body, headers=reply.headers, status=reply.status)
