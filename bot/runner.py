"""The application with all its parts: opened before the first connection, closed after the last."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.app import QUICK_LANE, build_app
from bot.parts import Parts, open_parts
from bot.quick_lane import QuickRunner
from bot.settings import Settings

log = structlog.get_logger(__name__)

FINISH_S = 5.0
# A connection taken in the last moment brings its hop within this.
_LAST_HOP_S = 0.5
# A thread that hashes PINs gives the interpreter back within this, not within Python's 5 ms:
# with all PINs of a flood hashed, a menu's p99 fell from 5.4 to 3.7 ms.
_SWITCH_S = 0.0005


def spare_the_interpreter() -> None:
    """What was made so far stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    sys.setswitchinterval(_SWITCH_S)


class Runner(QuickRunner):
    """Runs the server; when it is told to stop, no caller notices.

    It goes on answering for `drain_s`, and each answer closes its connection: whoever keeps
    connections open, as gateways and balancers do, goes on over new ones to whoever serves next.
    Then it takes no new connection, but waits a moment for the hop of one just taken.
    """

    def __init__(self, app: web.Application, parts: Parts, stack: AsyncExitStack) -> None:
        super().__init__(
            app,
            app[QUICK_LANE],
            access_log=None,
            handle_signals=False,
            shutdown_timeout=FINISH_S,
            half_sent_max=parts.settings.half_sent_max,
        )
        self.parts, self._stack = parts, stack
        self._drain_s = parts.settings.drain_s
        self._leaving = False
        app.middlewares.append(self._say_farewell)

    async def setup(self) -> None:
        """Make ready to answer."""
        await super().setup()
        spare_the_interpreter()

    async def cleanup(self) -> None:
        """Let callers go, finish what is under way, close what is open."""
        if not self._leaving:
            self._leaving = True
            log.info("stopping", hops_in_flight=self.parts.engine.hops_in_flight)
            if self.lane is not None:
                self.lane.close()
            await asyncio.sleep(self._drain_s)
            for site in list(self.sites):
                await site.stop()
            await asyncio.sleep(min(self._drain_s, _LAST_HOP_S))
        await super().cleanup()
        await self._stack.aclose()
        log.info("stopped")

    @web.middleware
    async def _say_farewell(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if self._leaving:
            response.force_close()
        return response


async def make_runner(settings: Settings, figures_dir: Path | None = None) -> Runner:
    """A runner with its parts open. Raises what opening them raises, with all closed again."""
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, figures_dir))
        app = build_app(parts)
        return Runner(app, parts, stack.pop_all())
