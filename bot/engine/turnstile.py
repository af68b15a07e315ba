"""One hop of a session at a time: a repeat in flight waits for the first, and finds its reply."""

from __future__ import annotations

import asyncio

# A phone sends one hop at a time, and a gateway repeats it a few times, a hasty one some dozens;
# more is a loop or a flood.
_WAITING_MAX = 128


class Crowded(Exception):
    """So many hops of one session wait already that this one would wait in vain."""


class _Waiting:
    """Those who wait under one key, until the one inside leaves."""

    __slots__ = ("count", "left")

    def __init__(self) -> None:
        self.left, self.count = asyncio.Event(), 0


class Turnstile:
    """Lets one through for each key; costs a dictionary entry while somebody is inside."""

    def __init__(self) -> None:
        self._inside: dict[str, _Waiting | None] = {}

    def __len__(self) -> int:
        return len(self._inside)

    async def enter(self, key: str) -> None:
        """Wait until nobody else is inside under `key`, and be the one inside.

        Raises `Crowded` when too many wait under this key already.
        """
        while key in self._inside:
            waiting = self._inside[key] or _Waiting()
            if waiting.count >= _WAITING_MAX:
                raise Crowded
            waiting.count += 1
            self._inside[key] = waiting
            await waiting.left.wait()
        # Nobody waits yet, and mostly nobody will: an event is made by the first who does.
        self._inside[key] = None

    def leave(self, key: str) -> None:
        """Let the next one in."""
        waiting = self._inside.pop(key)
        if waiting is not None:
            waiting.left.set()
