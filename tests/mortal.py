"""A process that may die at any step outside it: nothing after that step runs."""

from __future__ import annotations

from collections.abc import Callable


class Killed(BaseException):
    """The process is gone: nothing after this line runs, and nobody catches it."""


class Fate:
    """Kills at the n-th step outside the process, before it or after its effect.

    Who has died does nothing more, whatever of it was still under way. `died` is told once.
    """

    def __init__(self, at: int, after: bool, died: Callable[[], None] = lambda: None) -> None:
        self._left, self._after, self._died = at, after, died
        self.is_dead = False

    async def meet(self, step):
        self._left -= 1
        if self.is_dead or (self._left == -1 and not self._after):
            step.close()
            self.die()
        is_last = self._left == -1
        result = await step
        if is_last or self.is_dead:
            self.die()
        return result

    def spare(self) -> None:
        """It lives on from here."""
        self._left = -2

    def die(self):
        """It is over here. Raises `Killed`."""
        if not self.is_dead:
            self.is_dead = True
            self._died()
        raise Killed


class MortalRecords:
    """Records of a process that may die."""

    def __init__(self, records, fate: Fate) -> None:
        self._records, self._fate = records, fate

    async def read(self, work):
        return await self._fate.meet(self._records.read(work))

    async def write(self, work):
        return await self._fate.meet(self._records.write(work))
