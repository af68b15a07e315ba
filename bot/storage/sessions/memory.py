"""Live conversations in this process: the default, for one process."""

from __future__ import annotations

import time
from typing import TypeVar

_SWEEP_MAX = 4
T = TypeVar("T")


class MemorySessions:
    """`Sessions` in two dictionaries, packed: a session takes about a kilobyte."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        # Every save moves its key to the end, so the oldest are always at the front.
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._last: dict[str, tuple[float, str]] = {}

    async def load(self, key: str) -> bytes | None:
        """The session, unless its time is over."""
        kept = self._kept.get(key)
        if kept is None or kept[0] < time.monotonic():
            return None
        return kept[1]

    async def save(self, key: str, packed: bytes) -> None:
        """Keep it, and drop a few whose time is over."""
        now = time.monotonic()
        self._kept.pop(key, None)
        self._kept[key] = (now + self._ttl_s, packed)
        _sweep(self._kept, now)

    async def last_of(self, msisdn: str) -> str | None:
        """The key of this number's last session, unless its time is over."""
        kept = self._last.get(msisdn)
        return kept[1] if kept is not None and kept[0] >= time.monotonic() else None

    async def began(self, msisdn: str, key: str) -> None:
        """Remember the number's newest session."""
        now = time.monotonic()
        self._last.pop(msisdn, None)
        self._last[msisdn] = (now + self._ttl_s, key)
        _sweep(self._last, now)

    async def count(self) -> int:
        """How many are kept; some may be over and not yet swept."""
        return len(self._kept)

    async def close(self) -> None:
        """Nothing to let go of."""


def _sweep(kept: dict[str, tuple[float, T]], now: float) -> None:
    for _ in range(_SWEEP_MAX):
        first = next(iter(kept), None)
        if first is None or kept[first][0] >= now:
            return
        del kept[first]
