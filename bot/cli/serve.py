"""`isoko serve`: the server."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from datetime import UTC, datetime

import uvloop
from aiohttp import web

from bot.cli.hello import demo_link_of, say_hello
from bot.cli.workers import serve_with_workers
from bot.demo_chats import link_a_member
from bot.operations.logs import set_up_logs
from bot.runner import make_runner
from bot.settings import Settings, load_settings
from bot.tls import server_context


def serve() -> None:
    """Serve until Ctrl-C.

    With ISOKO_WORKERS above 1 (it needs Redis and PostgreSQL) that many processes answer on the
    one port. SIGHUP then starts new ones, with new code and settings, and lets the old ones go
    without a failed call: kill -HUP the process that was started.

    Example: ISOKO_PORT=9000 isoko serve
    """
    settings = load_settings()
    set_up_logs(settings.log_level, settings.log_format)
    if settings.workers > 1:
        serve_with_workers(settings)
    else:
        uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    # Before anything is opened: a certificate that cannot be used stops the start.
    tls = server_context(settings.tls)
    # Before anything leaves: a server that cannot be called must send no news either.
    with _bound(settings) as port:
        await _answer(settings, port, tls, stopping)


async def _answer(
    settings: Settings, port: socket.socket, tls: ssl.SSLContext | None, stopping: asyncio.Event
) -> None:
    runner = await make_runner(settings)
    try:
        await runner.setup()
        parts = runner.parts
        # Before anybody can call: once they do, no hiccup of the records may end the server.
        link = await demo_link_of(settings, parts.market.records)
        if settings.env == "demo" and settings.telegram.enabled:
            await parts.market.records.write(lambda db: link_a_member(db, datetime.now(UTC)))
        try:
            await web.SockSite(runner, port, backlog=1024, ssl_context=tls).start()
        except OSError as error:  # another took it in this very moment
            raise _taken(settings, error) from error
        say_hello(settings, parts.sandbox_url, link)
        await stopping.wait()
    finally:
        await runner.cleanup()


def _bound(settings: Settings) -> socket.socket:
    """The server's port, taken but not yet answering."""
    port = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        port.bind((settings.host, settings.port))
    except OSError as error:
        port.close()
        raise _taken(settings, error) from error
    return port


def _taken(settings: Settings, error: OSError) -> SystemExit:
    return SystemExit(
        f"isoko: cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
        "Stop the other program, or set ISOKO_PORT."
    )
