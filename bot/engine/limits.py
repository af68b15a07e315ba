"""Who is let in: so many dials a minute for a number, so many hops at once for the server."""

from __future__ import annotations

import time
from dataclasses import dataclass

_MINUTE_S = 60.0
_TIDY_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The engine's limits, from the settings."""

    hop_budget_s: float = 2.0
    resume_s: float = 900
    dials_per_minute: int = 10
    hops_in_flight_max: int = 512
    # After so long without a word the network has closed a call.
    call_s: float = 180
    # Who was not heard for so long is asked to show that they are still the same.
    silent_days: int = 90
    # Whether a look at the records may take long, as over a network; a local file's never waits.
    records_wait: bool = True


class DialLimit:
    """So many dials for each number, allowed again evenly over a minute (GCRA).

    For each number the moment is kept at which all its dials will be allowed again; once it has
    passed, the number is as good as new and is forgotten.
    """

    def __init__(self, per_minute: int) -> None:
        self._each_s = 60 / max(per_minute, 1)
        self._full_at: dict[str, float] = {}
        self._tidy_at = 0.0

    def lets_in(self, msisdn: str) -> bool:
        """Whether this number may dial now; counts the dial when it may."""
        now = time.monotonic()
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_EVERY_S
            self._full_at = {who: at for who, at in self._full_at.items() if at > now}
        full_at = max(self._full_at.get(msisdn, now), now)
        if full_at + self._each_s - now > _MINUTE_S:
            return False
        self._full_at[msisdn] = full_at + self._each_s
        return True
