"""How often may be asked at the hub door: so much a minute, then 429 and when to come again."""

from __future__ import annotations

import math
import time

from aiohttp import web

from bot.hub.answers import problem

_MINUTE_S = 60.0
_TIDY_EVERY_S = 10.0


class Pacing:
    """So many questions of each asker at once, allowed again evenly over a minute (GCRA).

    Each process counts for itself.
    """

    def __init__(self, per_minute: int) -> None:
        self._each_s = _MINUTE_S / per_minute
        # When all of an asker's questions will be allowed again.
        self._full_at: dict[str, float] = {}
        self._tidy_at = 0.0

    def refusal(self, asker: str) -> web.Response | None:
        """Count a question of `asker`; the answer to one too many, and then it is not counted."""
        now = time.monotonic()
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_EVERY_S
            self._full_at = {who: at for who, at in self._full_at.items() if at > now}
        full_at = max(self._full_at.get(asker, now), now) + self._each_s
        # Not by a rounding of a float may the last of them be one too many.
        over_s = full_at - now - _MINUTE_S - self._each_s / 2
        if over_s <= 0:
            self._full_at[asker] = full_at
            return None
        refused = problem(429, "asked too often: come again when Retry-After says")
        refused.headers["Retry-After"] = str(max(1, math.ceil(over_s)))
        return refused
