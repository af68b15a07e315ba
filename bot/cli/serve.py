"""`isoko serve`: the server."""

from __future__ import annotations

import asyncio
import gc
import signal
from datetime import UTC, datetime
from typing import Any

import structlog
import uvloop
from aiohttp import web

from bot.app import FAST_LANE, Parts, build_app, open_parts
from bot.dashboard.access.demo_supervisor import demo_link
from bot.operations.logs import set_up_logs
from bot.settings import Settings, load_settings
from bot.tls import server_context
from bot.ussd.fast_lane import open_fast_lane

log = structlog.get_logger(__name__)

_DRAIN_S = 5.0


def serve() -> None:
    """Serve until Ctrl-C.

    Example: ISOKO_PORT=9000 isoko serve
    """
    settings = load_settings()
    set_up_logs(settings.log_level, settings.log_format)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    # Before anything is opened: a certificate that cannot be used stops the start.
    tls = server_context(settings.tls)
    async with open_parts(settings) as parts:
        app = build_app(parts)
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=_DRAIN_S
        )
        await runner.setup()
        if runner.server is not None:
            open_fast_lane(runner.server, app[FAST_LANE])
        site = web.TCPSite(runner, settings.host, settings.port, backlog=1024, ssl_context=tls)
        await _listen(site, settings)
        _say_hello(settings, parts, await _demo_link(parts))
        # What was made so far stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        await stopping.wait()
        log.info("stopping", hops_in_flight=parts.engine.hops_in_flight)
        await runner.cleanup()
    log.info("stopped")


async def _demo_link(parts: Parts) -> str:
    if parts.settings.env != "demo":
        return ""
    return await parts.market.records.write(lambda db: demo_link(db, datetime.now(UTC)))


async def _listen(site: Any, settings: Settings) -> None:
    try:
        await site.start()
    except OSError as error:
        raise SystemExit(
            f"isoko: cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Stop the other program, or set ISOKO_PORT."
        ) from error


def _way_in(settings: Settings, link: str) -> str:
    if not link:
        return f"{settings.url}/dashboard/   (isoko staff link NAME prints a link)"
    return f"{settings.url}/dashboard/welcome/{link}   (signs you in, once)"


def _say_hello(settings: Settings, parts: Parts, link: str) -> None:
    """The first lines: where to look and what to give the gateway."""
    secret = "/<secret>" if settings.env == "production" else ""
    callback = f"{settings.url}/ussd/africastalking{secret}"
    lines = [
        f"Dashboard:     {settings.url}/dashboard/",
        f"Callback URL:  {callback}   (Africa's Talking)",
    ]
    if parts.sandbox is not None:
        lines = [
            f"Web phone:     {settings.url}/simulator/",
            f"Dashboard:     {_way_in(settings, link)}",
            *lines[1:],
            f"Operator, SMS: {parts.sandbox.url}/sandbox/state.json   (pretended)",
            "Ctrl-C stops.",
        ]
    print("\n".join(lines), flush=True)
