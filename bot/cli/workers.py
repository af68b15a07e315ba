"""Several processes on one port, each with an event loop of its own; gunicorn minds them."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import structlog
from aiohttp.worker import GunicornUVLoopWebWorker
from gunicorn.app.base import BaseApplication

from bot.cli.hello import demo_link_of, say_hello
from bot.demo import load_demo
from bot.operations.worker_figures import worker_ended
from bot.outside import url_beside
from bot.runner import Runner, make_runner
from bot.safe_start import refuse_weak_stores
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade
from bot.storage.records import RecordsDown
from bot.tls import server_context
from bot.wiring import market_of, sessions_of, spool_of

log = structlog.get_logger(__name__)

# A worker whose loop has stood still for so long is replaced.
STUCK_S = 30
_TRY_AGAIN_S = 1.0


def serve_with_workers(settings: Settings) -> None:
    """Serve with `settings.workers` processes until SIGTERM or Ctrl-C."""
    # Before anything is opened: a certificate that cannot be used stops the start.
    server_context(settings.tls)
    say_hello(settings, url_beside(settings), asyncio.run(_prepare(settings)))
    print(f"{settings.workers} workers; kill -HUP {os.getpid()} replaces them.", flush=True)
    beside, ours = _sandbox_beside(settings), os.getpid()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    figures = Path(mkdtemp(prefix="figures-", dir=settings.data_dir))
    try:
        _Workers(settings, figures).run()
    finally:
        # gunicorn forks inside `run`, so a worker that ends comes by here too.
        if os.getpid() == ours:
            shutil.rmtree(figures, ignore_errors=True)
            if beside is not None:
                beside.terminate()


async def _prepare(settings: Settings) -> str:
    """What is done once, before anybody serves; the workers find it done. The demo's link."""
    spool_of(settings).open()
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    sessions = sessions_of(settings)
    try:
        await refuse_weak_stores(settings, records, sessions)
        if settings.env == "demo":
            market = market_of(settings, records)
            await load_demo(market, datetime.now(UTC))
            await market.pins.close()
        return await demo_link_of(settings, records)
    finally:
        await sessions.close()
        await records.close()


def _sandbox_beside(settings: Settings) -> subprocess.Popen[bytes] | None:
    if not settings.sandbox.enabled:
        return None
    return subprocess.Popen([sys.executable, "-m", "bot", "sandbox", "serve"])


class Worker(GunicornUVLoopWebWorker):
    """aiohttp's own, with our rules for certificates."""

    @staticmethod
    def _create_ssl_context(cfg: Any) -> ssl.SSLContext:
        context = server_context(load_settings().tls)
        if context is None:
            raise RuntimeError("asked for TLS without a certificate")
        return context


class _Workers(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Our workers under gunicorn's arbiter, which restarts what dies and hands over the port."""

    def __init__(self, settings: Settings, figures_dir: Path) -> None:
        self._settings, self._figures_dir = settings, figures_dir
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn is to do; its own command line and files are not read."""
        settings = self._settings
        wanted: dict[str, Any] = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": Worker,
            "backlog": 1024,
            "timeout": STUCK_S,
            "graceful_timeout": STUCK_S,
            "loglevel": "warning",
            "proc_name": "isoko",
            "control_socket_disable": True,
            "certfile": settings.tls.certificate or None,
            "keyfile": settings.tls.key or None,
            "child_exit": self._worker_ended,
        }
        for name, value in wanted.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """What each worker runs. It is called in the worker, so new settings are read anew."""
        return partial(_run_worker, self._figures_dir)

    def _worker_ended(self, _arbiter: Any, worker: Any) -> None:
        try:
            worker_ended(self._figures_dir, worker.pid)
        except OSError as error:
            log.warning("figures of a worker are lost", why=str(error))


async def _run_worker(figures_dir: Path) -> Runner:
    """A runner, once the stores can be reached: a worker that gave up would end all the others."""
    while True:
        try:
            return await make_runner(load_settings(), figures_dir)
        except RecordsDown as error:
            log.warning("a worker waits for the stores", why=str(error))
            await asyncio.sleep(_TRY_AGAIN_S)
