"""The feed: reads what calls said while somebody looks on, and tells all of them how things stand.

What was written is the feed's own log, so any process can tell it, a restart loses none of it, and
its ids are those of the rows. No hop does anything for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from bot.dashboard.screens.board import Board, LiveCalls, Said
from bot.dashboard.screens.live_calls import SETTLED_MS, Position, begin, live_calls, news_since
from bot.dashboard.screens.wanted import ALL, Wanted
from bot.storage.records import Records, RecordsDown

log = structlog.get_logger(__name__)

WATCHERS_MAX = 100
# Nobody has more windows open, and one session must not take the places of all.
OF_ONE_MAX = 10
# At most two updates a second for each browser.
EVERY_S = 0.4
_SAY_WATCHED_EVERY_S = 5.0
# For so long a missing row may be one that another process has not committed yet.
_GAP_S = 5.0


class TooMany(Exception):
    """As many look on as this process can serve, or as one session may."""


class Feed:
    """One reader for all who look on; it rests when nobody does.

    `watched` makes processes write what calls say sooner.
    """

    def __init__(
        self, records: Records, ours: str, key: str, watched: Callable[[], Awaitable[None]]
    ) -> None:
        self._records, self._ours, self._key = records, ours, key.encode()[:64]
        self._watched = watched
        self._board = Board(ours, self._key)
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._gap: tuple[int, float] = (0, 0.0)
        self._said_watched_at = float("-inf")
        self._read_at = 0.0
        self.watchers = 0
        self._of_one: Counter[str] = Counter()
        self.closed = False
        self.at = Position()
        self.standing: LiveCalls | None = None
        # Of the same moment, for those who want some of the calls.
        self._narrowed: dict[Wanted, LiveCalls] = {}
        self._standing_ms = 0

    @property
    def behind_s(self) -> float:
        """For how many seconds the records gave no answer, 0 when they did at the last time."""
        late_s = time.monotonic() - self._read_at
        return late_s if late_s > EVERY_S * 5 else 0.0

    def mark_of(self, session_key: str) -> str:
        """What names this call to a browser."""
        return self._board.mark_of(session_key)

    async def look(self, wanted: Wanted = ALL) -> LiveCalls:
        """How things stand for who looks but once; read anew where nobody looks on."""
        standing = self.standing_of(wanted)
        if standing is not None and self.watchers and not self.behind_s:
            return standing
        now = datetime.now(UTC)
        look = partial(live_calls, now=now, ours=self._ours, key=self._key, wanted=wanted)
        return await self._records.read(look)

    def standing_of(self, wanted: Wanted) -> LiveCalls | None:
        """How things stand with the calls that are wanted, reckoned once for all who want them."""
        if self.standing is None or wanted == ALL:
            return self.standing
        if wanted not in self._narrowed:
            found = self._board.standing(self._standing_ms, wanted)
            self._narrowed[wanted] = replace(found, at=self.standing.at)
        return self._narrowed[wanted]

    def stamp_of(self, session_key: str, known_ms: float) -> tuple[int, int]:
        """The newest row and act of a call, 0 for none of late."""
        return self._board.stamp_of(session_key, known_ms)

    @asynccontextmanager
    async def watching(self, session: str) -> AsyncIterator[None]:
        """Look on in this session; the first who does wakes the reader. Raises `TooMany`."""
        full = self.watchers >= WATCHERS_MAX or self._of_one[session] >= OF_ONE_MAX
        if self.closed or full:
            raise TooMany
        self.watchers += 1
        self._of_one[session] += 1
        try:
            if self._reader is None or self._reader.done():
                self._read_at = time.monotonic()
                self.standing = None
                self._reader = asyncio.create_task(self._read(), name="dashboard feed")
            yield
        finally:
            self.watchers -= 1
            # What is at nothing goes, so that no session stays behind.
            self._of_one -= Counter((session,))

    async def next(self, has: LiveCalls | None, timeout_s: float) -> None:
        """Wait until there may be more than `has`, or for so long.

        What came while `has` was being told is not waited for.
        """
        if self.standing is not has or self.closed:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), timeout_s)

    async def close(self) -> None:
        """Send everybody away, and stop."""
        self.closed = True
        self._tell()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])

    async def _read(self) -> None:
        while self.watchers:
            try:
                await self._say_watched()
                await self._round()
                self._read_at = time.monotonic()
            except RecordsDown as error:
                log.warning("the dashboard's feed waits", why=str(error))
            except Exception:  # whatever broke this round, the next one must come
                log.exception("the dashboard's feed: a round failed")
                self.standing = None
            self._tell()
            await asyncio.sleep(EVERY_S)

    async def _say_watched(self) -> None:
        now = time.monotonic()
        if now - self._said_watched_at > _SAY_WATCHED_EVERY_S:
            await self._watched()
            self._said_watched_at = now

    async def _round(self) -> None:
        now_ms = int(time.time() * 1000)
        if self.standing is None:
            await self._begin(now_ms)
        news = await self._records.read(partial(news_since, at=self.at))
        if not news.known:
            # The last row that was read is gone, as when somebody is erased: ids may be used anew.
            await self._begin(now_ms)
            news = await self._records.read(partial(news_since, at=self.at))
        # Hops have their turn between the reading and the reckoning.
        await asyncio.sleep(0)
        said = self._in_order(news.said)
        self._board.take(said)
        self._board.take_acts(news.acts)
        act = news.acts[-1].id if news.acts else self.at.act
        row, at_ms = (said[-1].id, said[-1].at_ms) if said else (self.at.row, self.at.at_ms)
        reckoning = self._board.reckoning(now_ms)
        while (found := next(reckoning)) is None:  # noqa: ASYNC110  only lets hops go first
            await asyncio.sleep(0)
        self.at = Position(row, at_ms, act)
        self._narrowed, self._standing_ms = {}, now_ms
        self.standing = replace(found, at=str(self.at))

    async def _begin(self, now_ms: int) -> None:
        board = Board(self._ours, self._key)
        self.at = await self._records.read(
            lambda db: begin(db, board, now_ms, settled_ms=SETTLED_MS)
        )
        self._board = board

    def _in_order(self, said: list[Said]) -> list[Said]:
        """Those before a row that is missing, unless it has been missing for too long."""
        last = self.at.row
        for place, hop in enumerate(said):
            if last and hop.id != last + 1:
                since = self._gap[1] if self._gap[0] == last else time.monotonic()
                self._gap = last, since
                if time.monotonic() - since < _GAP_S:
                    return said[:place]
            last = hop.id
        return said

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
