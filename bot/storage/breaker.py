"""A breaker: once a server is known to be gone nobody waits for it, until it answers again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)

_TRY_EVERY_S = 0.5


class Breaker:
    """Whether a server can be reached, and the only one who asks it while it cannot.

    `try_it` asks the server for a sign of life within its own short time, and raises when there is
    none. `on_gone` is told why, once, when the server is found to be gone.
    """

    def __init__(
        self, what: str, try_it: Callable[[], Awaitable[None]], on_gone: Callable[[str], None]
    ) -> None:
        self._what, self._try_it, self._on_gone = what, try_it, on_gone
        self._asking: asyncio.Task[None] | None = None
        # Why the server counts as gone; "" while it does not.
        self.why = ""

    def trip(self, why: str) -> None:
        """The server is gone: everybody hears so at once until it answers again."""
        if self.why:
            return
        self.why = why or "no answer"
        log.error(f"{self._what} out of reach", why=self.why)
        self._on_gone(self.why)
        self._ask()

    def doubt(self) -> None:
        """An answer takes long: find out whether the server is slow or gone."""
        if not self.why:
            self._ask()

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _ask(self) -> None:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._find_out())

    async def _find_out(self) -> None:
        while True:
            try:
                await self._try_it()
            except Exception as error:  # whatever it was, there was no sign of life
                self.trip(str(error) or type(error).__name__)
            else:
                break
            await asyncio.sleep(_TRY_EVERY_S)
        if self.why:
            self.why = ""
            log.warning(f"{self._what} back")
