"""Reads the transcripts for the funnel: few rows at a time, so that no hop waits for it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, func, select

from bot.dashboard.screens.funnel_count import Cell, Counting, Part, Told
from bot.storage.records import Records
from bot.storage.schema import transcripts

# Two milliseconds of work, and then callers have their turn.
_AT_ONCE, _PAUSE_S = 500, 0.01
MOST = 200_000


@dataclass(frozen=True, slots=True)
class Counted:
    """Every part, from which moment on. `partly`: more hops were kept than are looked at."""

    parts: dict[Cell, Part]
    from_ms: int
    at_ms: int
    hops: int
    partly: bool

    def together(self, channel: str, language: str) -> Part:
        """The parts of a channel and a language, "" for all of them."""
        whole = Part()
        for (of_channel, of_language), part in self.parts.items():
            if channel in ("", of_channel) and language in ("", of_language):
                whole.add(part)
        return whole


async def count(records: Records, since_ms: int, most: int = MOST) -> Counted:
    """Count what was kept since then, of more than `most` hops the newest. Raises `RecordsDown`."""
    counting, hops, from_ms = Counting(), 0, 0
    now_ms = int(time.time() * 1000)
    first, last = await records.read(lambda db: _bounds(db, since_ms))
    partly = last - first >= most
    after = max(first, last - most + 1) - 1
    while after < last:
        lot = await records.read(partial(_lot, after=after, last=last))
        if not lot:
            break
        from_ms = from_ms or lot[0].at_ms
        counting.take(lot)
        hops, after = hops + len(lot), lot[-1].id
        await asyncio.sleep(_PAUSE_S)
    return Counted(counting.parts(now_ms), from_ms or since_ms, now_ms, hops, partly)


def _lot(db: Connection, after: int, last: int) -> list[Told]:
    row = transcripts.c
    columns = (row.id, row.session_key, row.hop, row.place, row.typed, row.shown != "", row.at_ms)
    query = select(*columns, row.ends, row.language).where(row.id > after, row.id <= last)
    return [Told(*found) for found in db.execute(query.order_by(row.id).limit(_AT_ONCE))]


def _bounds(db: Connection, since_ms: int) -> tuple[int, int]:
    """The first row since then, and the last of all.

    Rows are kept about in the order of their time: halving needs no index, and some twenty looks.
    """
    row = transcripts.c
    low, high = db.execute(select(func.min(row.id), func.max(row.id))).one()
    if high is None:
        return 1, 0
    low, last = int(low), int(high)
    high = last + 1
    while low < high:
        middle = (low + high) // 2
        query = select(row.id, row.at_ms).where(row.id >= middle).order_by(row.id).limit(1)
        found = db.execute(query).first()
        if found is None or found.at_ms >= since_ms:
            high = middle
        else:
            low = found.id + 1
    return low, last
