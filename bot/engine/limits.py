"""Who is let in: so many dials a minute for a number, so many hops at once for the server."""

from __future__ import annotations

import time
from dataclasses import dataclass

_NUMBERS_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The engine's limits, from the settings."""

    hop_budget_s: float = 2.0
    resume_s: float = 900
    dials_per_minute: int = 10
    hops_in_flight_max: int = 512


class DialLimit:
    """A bucket of dials for each number, filled again over a minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def lets_in(self, msisdn: str) -> bool:
        """Whether this number may dial now; counts the dial when it may."""
        now = time.monotonic()
        left, at = self._buckets.pop(msisdn, (float(self._per_minute), now))
        left = min(self._per_minute, left + (now - at) * self._per_minute / 60)
        allowed = left >= 1
        self._buckets[msisdn] = (left - 1 if allowed else left, now)
        if len(self._buckets) > _NUMBERS_MAX:
            # The number that dialled longest ago has a full bucket again, or nearly.
            del self._buckets[next(iter(self._buckets))]
        return allowed
