"""Live conversations in this process: the default, for one process."""

from __future__ import annotations

import time
from itertools import islice

from bot.storage.sessions import Visit, gateway_of

_SWEEP_EVERY_S = 1.0
# Two kilobytes each; a network ends a call that is silent for so long.
_KEPT_MAX = 100_000
_CALL_S = 180.0
# All numbers are looked at within so many sweeps, and some in each.
_TIDY_PARTS, _TIDY_LEAST = 60, 100


class MemorySessions:
    """`Sessions` in two dictionaries, packed: a session takes about two kilobytes.

    Entries are changed in place and dropped from the front once a second: taking the oldest of a
    dictionary after each save costs more with every gap that earlier ones have left there.
    """

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._kept: dict[str, tuple[float, bytes]] = {}
        # At most one for each gateway.
        self._last: dict[str, tuple[str, ...]] = {}
        # The numbers of this round that are still to be looked at.
        self._to_look_at: list[str] = []
        self._sweep_at = 0.0
        # Few: one for each member of staff who writes.
        self._hints: dict[str, tuple[float, str]] = {}

    @property
    def is_shared(self) -> bool:
        """They are this process's own."""
        return False

    async def enter(self, key: str) -> Visit:
        """The session; hops of one process wait for each other before they come here."""
        return Visit(key, self._alive(key))

    async def leave(self, visit: Visit, packed: bytes | None) -> None:
        """Keep it; once a second, drop those whose time is over."""
        if packed is None:
            return
        now = time.monotonic()
        self._kept[visit.key] = (now + self._ttl_s, packed)
        if now >= self._sweep_at:
            self._sweep(now)

    async def load(self, key: str) -> bytes | None:
        """The session, unless its time is over."""
        return self._alive(key)

    async def dialled(self, msisdn: str, key: str, most: int) -> bool | None:
        """Nobody else counts."""
        return None

    async def began(self, msisdn: str, key: str) -> list[str]:
        """Remember the number's newest session there; those before whose time is not over."""
        before, gateway = self._last.get(msisdn, ()), gateway_of(key)
        self._last[msisdn] = (key, *(one for one in before if gateway_of(one) != gateway))
        return [one for one in before if one != key and self._alive(one) is not None]

    async def hint(self, what: str, word: str, for_s: float) -> None:
        """Keep the word; those whose time is over go."""
        now = time.monotonic()
        self._hints = {key: kept for key, kept in self._hints.items() if kept[0] > now}
        self._hints[what] = (now + for_s, word)

    async def hinted(self, what: str) -> str:
        """The word, unless its time is over."""
        until, word = self._hints.get(what, (0.0, ""))
        return word if until > time.monotonic() else ""

    async def count(self) -> int:
        """How many are kept; some may be over and not yet swept."""
        return len(self._kept)

    async def check(self) -> str:
        """Nothing can be wrong."""
        return ""

    async def close(self) -> None:
        """Nothing to let go of."""

    def _make_room(self, now: float) -> None:
        """Past what memory holds the oldest go first, and who still speaks goes last."""
        too_many = len(self._kept) - _KEPT_MAX
        if too_many <= 0:
            return
        silent_until = now + self._ttl_s - _CALL_S
        idle = (key for key, (until, _packed) in self._kept.items() if until < silent_until)
        gone = list(islice(idle, too_many))
        for key in gone or list(islice(self._kept, too_many)):
            del self._kept[key]

    def _alive(self, key: str) -> bytes | None:
        kept = self._kept.get(key)
        if kept is None or kept[0] < time.monotonic():
            return None
        return kept[1]

    def _sweep(self, now: float) -> None:
        self._sweep_at = now + _SWEEP_EVERY_S
        self._make_room(now)
        over = []
        # They stand in the order in which they began, so the first that lives ends the search.
        for key, (until, _packed) in self._kept.items():
            if until >= now:
                break
            over.append(key)
        for key in over:
            del self._kept[key]
        self._tidy()

    def _tidy(self) -> None:
        """Forget numbers of which no session is left: a part of them, for every hop waits."""
        if not self._to_look_at:
            self._to_look_at = list(self._last)
        alive = self._kept.keys()
        for _one in range(min(len(self._to_look_at), len(self._last) // _TIDY_PARTS + _TIDY_LEAST)):
            who = self._to_look_at.pop()
            if alive.isdisjoint(self._last.get(who, ())):
                self._last.pop(who, None)
