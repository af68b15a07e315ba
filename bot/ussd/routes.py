"""The USSD door: read, ask the engine, write. The list of gateways stands here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

import structlog
from aiohttp import web

from bot.engine import Engine
from bot.engine.courtesies import shed
from bot.ussd import africastalking
from bot.ussd.door import DoorRules, check_secret, let_in
from bot.ussd.fast_lane import Answer, fitting
from bot.ussd.feature_phone import FeaturePhone
from bot.ussd.gateway import BadRequest, Gateway

# One gateway a file; a new one is a file and a line here.
GATEWAYS: Mapping[str, Gateway] = MappingProxyType(
    {"africastalking": cast("Gateway", africastalking)}
)

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
    ) -> None:
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
        """What the fast lane needs: who answers which method on which exact path."""
        tail = f"/{self._rules.secret}" if self._rules.secret else ""
        path = f"/ussd/{self._gateway.path}{tail}"
        return {(method, path): self.hop for method in self._gateway.methods}

    async def hop(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one hop of whoever knows the path. Refusals are 4xx with nothing written."""
        try:
            wire = await let_in(request, self._gateway, self._rules)
            inbound = self._gateway.read(wire, self._country)
            codes = self._rules.service_codes
            if codes and inbound.service_code not in codes:
                raise BadRequest("this service code is not ours")
        except BadRequest as bad:
            return self._refuse(bad)
        try:
            reply = await self._engine.handle(inbound, self._layout)
        except Exception:
            # The stores are out of reach: the person hears so, the gateway never sees a 500.
            log.exception("hop failed", gateway=self._gateway.path)
            reply = shed()
        return fitting(request, self._gateway.write(inbound, reply))

    async def _hop(self, request: web.Request) -> web.StreamResponse:
        try:
            check_secret(request, self._rules)
        except BadRequest as bad:
            return self._refuse(bad)
        return await self.hop(request)

    async def _event(self, request: web.Request) -> web.Response:
        # It may come twice, early or for nobody: always 200.
        try:
            check_secret(request, self._rules)
            wire = await let_in(request, self._gateway, self._rules)
            inbound = self._gateway.read_event(wire, self._country)
        except BadRequest as bad:
            return self._refuse(bad)
        await self._engine.hung_up(inbound)
        return web.Response(text="ok")

    def _refuse(self, bad: BadRequest) -> web.Response:
        self._refused(self._gateway.path, bad.status)
        log.warning("request refused", gateway=self._gateway.path, why=str(bad), status=bad.status)
        return web.Response(text=f"{bad}\n", status=bad.status)
