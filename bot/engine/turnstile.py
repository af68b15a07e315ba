"""One hop of a session at a time: a repeat in flight waits for the first, and finds its reply."""

from __future__ import annotations

import asyncio


class Turnstile:
    """Lets one through for each key; costs a dictionary entry while somebody is inside."""

    def __init__(self) -> None:
        self._inside: dict[str, asyncio.Event | None] = {}

    def __len__(self) -> int:
        return len(self._inside)

    async def enter(self, key: str) -> None:
        """Wait until nobody else is inside under `key`, and be the one inside."""
        while key in self._inside:
            waiting = self._inside[key] or asyncio.Event()
            self._inside[key] = waiting
            await waiting.wait()
        # Nobody waits yet, and mostly nobody will: an event is made by the first who does.
        self._inside[key] = None

    def leave(self, key: str) -> None:
        """Let the next one in."""
        waiting = self._inside.pop(key)
        if waiting is not None:
            waiting.set()
