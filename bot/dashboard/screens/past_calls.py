"""Calls that are over, or fell silent: those of one person, and all of the last ten minutes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from bot.dashboard.screens.board import SILENT_MAX_S, is_chat, line_of, shown_number
from bot.masking import without_numbers
from bot.storage.records import Records
from bot.storage.schema import contacts, transcripts

OF_ONE = 20
LATELY_S = 600
# Few rows at a time, so that no hop waits for it, and no more than this of a busy hour.
_AT_ONCE, _PAUSE_S, _LOOKED_AT = 500, 0.01, 10_000
_NAMED = ("id", "session_key", "hop", "owner", "place", "at_ms", "ends", "language")


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call as it stood at its newest row, `id`. `number` is masked, "" where none is known.

    `over` tells that it was ended, or left for another; else nothing more was heard.
    """

    id: int
    number: str
    name: str
    place: str
    language: str
    hops: int
    at: datetime
    over: bool
    chat: bool


@dataclass(frozen=True, slots=True)
class Lately:
    """Calls that ended within ten minutes, the newest first. `partly`: more than we look at."""

    calls: list[PastCall]
    partly: bool


class _Row(NamedTuple):
    """The row of a hop, and the name of whose it is."""

    id: int
    session_key: str
    hop: int
    owner: str
    place: str
    at_ms: int
    ends: int
    language: str
    names: str | None


def calls_of(db: Connection, msisdn: str) -> list[PastCall]:
    """The last calls of who has this number, the newest first; a chat is one of them."""
    if not msisdn:
        # Under no number stand all who have not agreed to be known.
        return []
    # Over all that this number said, or PostgreSQL would look for it from the newest of everybody.
    newest = func.max(transcripts.c.id)
    mine = select(newest).where(transcripts.c.owner == msisdn).group_by(transcripts.c.session_key)
    ids = mine.order_by(newest.desc()).limit(OF_ONE)
    query = select(*(transcripts.c[name] for name in _NAMED)).where(transcripts.c.id.in_(ids))
    found = db.execute(query.order_by(transcripts.c.id.desc()))
    rows = [_Row._make((*row, None)) for row in found]
    return [_past(row, "", over=bool(row.ends)) for row in rows]


async def ended_lately(records: Records, ours: str) -> Lately:
    """All that ended, was left or fell silent within ten minutes. Raises `RecordsDown`.

    There is no index on time: it goes back from the newest row, and as far as it must.
    """
    now_ms = int(time.time() * 1000)
    reading, before, looked_at = _Reading(now_ms, ours), 0, 0
    while looked_at < _LOOKED_AT:
        lot = await records.read(partial(_lot, before=before))
        looked_at += len(lot)
        if not reading.take(lot) or len(lot) < _AT_ONCE:
            return Lately(reading.found, partly=False)
        before = lot[-1].id
        await asyncio.sleep(_PAUSE_S)
    return Lately(reading.found, partly=True)


class _Reading:
    """Goes through rows, the newest first, and keeps the calls that are no longer live."""

    def __init__(self, now_ms: int, ours: str) -> None:
        self._now_ms, self._ours = now_ms, ours
        self._calls: set[str] = set()
        self._lines: set[tuple[bool, str]] = set()
        self.found: list[PastCall] = []

    def take(self, lot: list[_Row]) -> bool:
        """The next rows; False when those before them are too old."""
        since_ms = self._now_ms - LATELY_S * 1000
        for row in lot:
            if row.at_ms < since_ms - SILENT_MAX_S * 1000:
                return False
            if row.session_key in self._calls:
                continue
            self._calls.add(row.session_key)
            line = line_of(row.owner, row.session_key)
            # A phone is in one call at a time: who dialled anew has left the call before.
            left = bool(row.ends) or line in self._lines
            self._lines.add(line)
            ended_ms = row.at_ms if left else row.at_ms + SILENT_MAX_S * 1000
            if since_ms <= ended_ms <= self._now_ms:
                self.found.append(_past(row, self._ours, over=left))
        return True


def _lot(db: Connection, before: int) -> list[_Row]:
    known = (contacts.c.msisdn == transcripts.c.owner) & (transcripts.c.owner != "")
    chosen = (transcripts.c[name] for name in _NAMED)
    query = select(*chosen, contacts.c.names).outerjoin(contacts, known)
    if before:
        query = query.where(transcripts.c.id < before)
    rows = db.execute(query.order_by(transcripts.c.id.desc()).limit(_AT_ONCE))
    return [_Row._make(row) for row in rows]


def _past(row: _Row, ours: str, *, over: bool) -> PastCall:
    return PastCall(
        id=row.id,
        number=shown_number(row.owner),
        name=without_numbers(row.names or "", ours),
        place=row.place,
        language=row.language,
        hops=row.hop,
        at=datetime.fromtimestamp(row.at_ms / 1000, UTC),
        over=over,
        chat=is_chat(row.session_key),
    )
