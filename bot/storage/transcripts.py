"""Hop transcripts, written in batches off the reply's path; secrets are cut out before this."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, delete, insert, select

from bot.storage import turns
from bot.storage.prepared import Prepared
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import one_round
from bot.storage.schema import audit, call_acts, contacts, transcripts

log = structlog.get_logger(__name__)

_WAITING_MAX = 20_000
# A session's key may be longer than the audit's column.
_SUBJECT_MAX = 80
# Few at a time: what callers ask to be written waits in the same line.
_AT_ONCE = 500
# While somebody looks on at live calls a hop is to be on their board within a second.
_HURRY_S, _WATCHED_S, _WATCHED = 0.25, 15.0, "dashboard"


class Transcripts:
    """Collects rows and writes them together every `every_s` seconds."""

    def __init__(self, records: Records, every_s: float = 1.0) -> None:
        self._records, self._every_s = records, every_s
        self._watched_until = 0.0
        self._hurry = asyncio.Event()
        self._rows: list[tuple[Any, ...]] = []
        self._events: list[dict[str, Any]] = []
        self.dropped = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """One hop, in the order of `_COLUMNS`; dropped when too many wait."""
        if len(self._rows) >= _WAITING_MAX:
            self.dropped += 1
            return
        self._rows.append(row)

    def event(self, at: datetime, actor: str, action: str, subject: str, **details: Any) -> None:
        """One line for the audit: a refusal, a lock, a look at somebody's data."""
        if len(self._events) >= _WAITING_MAX:
            self.dropped += 1
            return
        subject = subject[:_SUBJECT_MAX]
        self._events.append(
            {"at": at, "actor": actor, "action": action, "subject": subject, "details": details}
        )

    async def watched(self) -> None:
        """Somebody looks on: for a while write sooner, here and in every other process."""
        self._watched_until = time.monotonic() + _WATCHED_S
        self._hurry.set()
        until = datetime.now(UTC) + timedelta(seconds=_WATCHED_S)
        await self._records.write(lambda db: turns.keep_until(db, _WATCHED, until))

    async def run(self) -> None:
        """Write until cancelled, then write what is left."""
        try:
            while True:
                await self._until_next()
                await one_round("transcripts", self.flush)
        finally:
            await one_round("transcripts", self.flush)

    async def _until_next(self) -> None:
        if time.monotonic() < self._watched_until:
            await asyncio.sleep(_HURRY_S)
            return
        self._hurry.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self._every_s)

    async def flush(self) -> None:
        """Write what waits now. When the records are down it goes on waiting.

        What they refuse for another reason they would refuse for ever: it is dropped and counted.
        """
        while self._rows or self._events:
            rows, self._rows = self._rows[:_AT_ONCE], self._rows[_AT_ONCE:]
            events, self._events = self._events[:_AT_ONCE], self._events[_AT_ONCE:]
            try:
                left_s = await self._records.write(partial(_write, rows=rows, events=events))
                self._watched_until = max(self._watched_until, time.monotonic() + left_s)
            except RecordsDown as error:
                self._rows[:0], self._events[:0] = rows, events
                log.warning("transcripts wait", why=str(error), waiting=len(self._rows))
                return
            except Exception:  # a row that no store takes must not stop those after it
                self.dropped += len(rows) + len(events)
                log.exception("transcripts dropped", rows=len(rows), events=len(events))


_COLUMNS = (
    *("session_key", "hop", "owner", "place", "typed", "shown", "micros", "at_ms"),
    *("ends", "language"),
)
_OWNER = _COLUMNS.index("owner")
_insert = Prepared(insert(transcripts), *_COLUMNS)


def forget_before(db: Connection, moment: datetime, limit: int) -> int:
    """Drop at most `limit` rows older than `moment`; returns how many.

    Rows come in the order of their time, so only the first ones are looked at: no index is needed.
    """
    table = transcripts
    first = select(table.c.id, table.c.at_ms).order_by(table.c.id).limit(limit).subquery()
    old = select(first.c.id).where(first.c.at_ms < int(moment.timestamp() * 1000))
    return db.execute(delete(table).where(table.c.id.in_(old))).rowcount


def forget_acts_before(db: Connection, moment: datetime) -> None:
    """Drop what staff did in calls before `moment`, as their transcripts are."""
    db.execute(delete(call_acts).where(call_acts.c.at < moment))


def _write(db: Connection, rows: list[tuple[Any, ...]], events: list[dict[str, Any]]) -> float:
    """Write them; gives for how many seconds more somebody looks on, in any process."""
    # Not of people who were erased while their rows waited here. An account that has no number is
    # in no contact, and of who is nobody nothing could be erased.
    numbers = {row[_OWNER] for row in rows if row[_OWNER].startswith("+")}
    query = select(contacts.c.msisdn).where(contacts.c.msisdn.in_(numbers))
    gone = numbers.difference(db.execute(query).scalars()) if numbers else numbers
    kept = [row for row in rows if row[_OWNER] not in gone]
    if kept:
        _insert.run_many(db, kept)
    if events:
        db.execute(insert(audit), events)
    until = turns.until(db, _WATCHED)
    return 0.0 if until is None else (until - datetime.now(UTC)).total_seconds()
