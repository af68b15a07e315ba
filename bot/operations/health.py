"""Health and figures over HTTP: alive, can serve, and Prometheus metrics."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

_BY_PROXIES = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")

# A check gives "" when all is well, else what is wrong.
Check = Callable[[], Awaitable[str]]


class Health:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, figures: Collector, checks: Mapping[str, Check], metrics_token: str) -> None:
        self._figures, self._checks, self._token = figures, checks, metrics_token

    def mount(self, app: web.Application) -> None:
        """Add the three routes to `app`."""
        app.router.add_get("/healthz", self.alive)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)

    async def alive(self, _request: web.Request) -> web.Response:
        """The process answers."""
        return web.json_response({"alive": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when every part works; 503 with the reasons when one does not."""
        wrong: dict[str, str] = {}
        for name, check in self._checks.items():
            try:
                found = await check()
            except Exception as error:  # a check that breaks is an answer, not a fault
                found = f"{type(error).__name__}: {error}"
            if found:
                wrong[name] = found
        return web.json_response({"ready": not wrong, "wrong": wrong}, status=503 if wrong else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus text; only for this machine, or with the token."""
        if not self._may_read(request):
            raise web.HTTPNotFound
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(self._figures), headers=headers)

    def _may_read(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        said = given.encode("utf-8", "surrogateescape")
        if self._token and hmac.compare_digest(said, self._token.encode()):
            return True
        # A proxy on this machine asks from here too, for whoever asked it.
        forwarded = any(name in request.headers for name in _BY_PROXIES)
        return not forwarded and ip_address(request.remote or "0.0.0.0").is_loopback  # noqa: S104
