"""A process that may die at any step outside it: nothing after that step runs."""

from __future__ import annotations


class Killed(BaseException):
    """The process is gone: nothing after this line runs, and nobody catches it."""


class Fate:
    """Kills at the n-th step outside the process, before it or after its effect."""

    def __init__(self, at: int, after: bool) -> None:
        self._left, self._after = at, after

    async def meet(self, step):
        self._left -= 1
        if self._left == -1 and not self._after:
            step.close()
            raise Killed
        result = await step
        if self._left == -1:
            raise Killed
        return result


class MortalRecords:
    """Records of a process that may die."""

    def __init__(self, records, fate: Fate) -> None:
        self._records, self._fate = records, fate

    async def read(self, work):
        return await self._fate.meet(self._records.read(work))

    async def write(self, work):
        return await self._fate.meet(self._records.write(work))
