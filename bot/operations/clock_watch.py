"""Whether this machine's clock was set back: what is dated by it may lie ahead of it then."""

from __future__ import annotations

import time

# Less than that a clock that is kept in step moves by itself.
_LEAST_S = 30.0


class ClockWatch:
    """For one who looks from time to time, and does something about it."""

    def __init__(self) -> None:
        # What was before this process is not known: the first look is told yes.
        self._ahead_s = float("inf")

    def was_set_back(self) -> bool:
        """Whether the clock was set back since this was last `seen`, or may have been before."""
        self._ahead_s = max(self._ahead_s, _ahead_s())
        return self._ahead_s - _ahead_s() > _LEAST_S

    def seen(self) -> None:
        """It is done, what there was to do about it."""
        self._ahead_s = _ahead_s()


def _ahead_s() -> float:
    """How far this machine's clock is ahead of one that nobody sets."""
    return time.time() - time.monotonic()
