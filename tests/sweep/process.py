"""A real process of ours, forked from one that has imported everything: it starts in a tenth."""

from __future__ import annotations

import asyncio
import signal

from tests.forked import fork
from tests.sweep import launch
from tests.sweep.launch import Orders


class Process:
    """One life of a server or of a command."""

    def __init__(self, orders: Orders) -> None:
        self._clock, theirs = fork.Pipe()
        self._process = fork.Process(target=launch.run, args=(orders, theirs), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.is_alive()

    @property
    def was_killed(self) -> bool:
        """Whether it died of SIGKILL."""
        return self._process.exitcode == -signal.SIGKILL

    async def end(self) -> int:
        """Wait for its end; its exit status."""
        while self._process.is_alive():
            await asyncio.sleep(0.005)
        return self._process.exitcode or 0

    async def jump(self, seconds: float) -> None:
        """Put its clock forward; returns when it is, or when the process has died of it."""
        try:
            self._clock.send(seconds)
            while not self._clock.poll():
                if not self.is_alive:
                    return
                await asyncio.sleep(0.002)
            self._clock.recv()
        except (EOFError, OSError):
            return

    async def stop(self) -> None:
        """End it like a crash: nothing of a world that is checked matters any more."""
        self._process.kill()
        await self.end()
        self._process.close()
        self._clock.close()
