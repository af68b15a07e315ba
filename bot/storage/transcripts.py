"""Hop transcripts, written in batches off the reply's path; secrets are cut out before this."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from bot.storage import turns
from bot.storage.prepared import Prepared
from bot.storage.records import Records, RecordsDown, Unsure
from bot.storage.rounds import one_round
from bot.storage.schema import audit, call_acts, contacts, transcripts
from bot.storage.schema.columns import as_json

log = structlog.get_logger(__name__)

_WAITING_MAX = 20_000
# A session's key may be longer than the audit's column.
_SUBJECT_MAX = 80
# Few at a time: what callers ask to be written waits in the same line.
_AT_ONCE = 500
# While somebody looks on at live calls a hop is to be on their board within a second.
_HURRY_S, _WATCHED_S, _WATCHED = 0.25, 15.0, "dashboard"


class _Batch(NamedTuple):
    """What is written in one transaction."""

    rows: list[tuple[Any, ...]]
    events: list[dict[str, Any]]


class Transcripts:
    """Collects rows and writes them together every `every_s` seconds."""

    def __init__(self, records: Records, every_s: float = 1.0) -> None:
        self._records, self._every_s = records, every_s
        self._watched_until = 0.0
        self._hurry = asyncio.Event()
        self._rows: list[tuple[Any, ...]] = []
        self._events: list[dict[str, Any]] = []
        # What may have been written, or not: it is looked for before it is written once more.
        self._unsure: _Batch | None = None
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
                # What comes meanwhile waits, or a busy hour would be written row by row.
                waits = max(len(self._rows), len(self._events))
                await one_round("transcripts", partial(self.flush, waits))
        finally:
            await one_round("transcripts", self.flush)

    async def _until_next(self) -> None:
        if time.monotonic() < self._watched_until:
            await asyncio.sleep(_HURRY_S)
            return
        self._hurry.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self._every_s)

    async def flush(self, most: float = inf) -> None:
        """Write what waits, or about `most` rows. When the records are down it goes on waiting.

        What they refuse for another reason they would refuse for ever: it is dropped and counted.
        """
        while self._unsure or (most > 0 and (self._rows or self._events)):
            batch, looks = self._next(), self._unsure is not None
            most -= _AT_ONCE
            try:
                left_s = await self._records.write(partial(_write, batch=batch, looks=looks))
                self._watched_until = max(self._watched_until, time.monotonic() + left_s)
            except Unsure as error:
                self._unsure = batch
                log.warning("transcripts may be written", why=str(error), rows=len(batch.rows))
                return
            except RecordsDown as error:
                self._put_back(batch)
                log.warning("transcripts wait", why=str(error), waiting=len(self._rows))
                return
            except Exception:  # a row that no store takes must not stop those after it
                self.dropped += len(batch.rows) + len(batch.events)
                log.exception("transcripts dropped", rows=len(batch.rows), events=len(batch.events))
            self._unsure = None

    def _next(self) -> _Batch:
        # As it was then: all of it was written, or nothing.
        if self._unsure is not None:
            return self._unsure
        batch = _Batch(self._rows[:_AT_ONCE], self._events[:_AT_ONCE])
        del self._rows[:_AT_ONCE], self._events[:_AT_ONCE]
        return batch

    def _put_back(self, batch: _Batch) -> None:
        if self._unsure is None:
            self._rows[:0], self._events[:0] = batch.rows, batch.events


_COLUMNS = (
    *("session_key", "hop", "owner", "place", "typed", "shown", "micros", "at_ms"),
    *("ends", "language"),
)
_OWNER = _COLUMNS.index("owner")
_insert = Prepared(insert(transcripts), *_COLUMNS)
_there = Prepared(
    select(contacts.c.msisdn).where(
        contacts.c.msisdn.in_(
            select(func.json_each(bindparam("numbers")).table_valued("value").c.value)
        )
    ),
    "numbers",
)


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


def _write(db: Connection, batch: _Batch, looks: bool) -> float:
    """Write them; gives for how many seconds more somebody looks on, in any process.

    `looks` first looks whether they are there already.
    """
    # Not of people who were erased while their rows waited here. An account that has no number is
    # in no contact, and of who is nobody nothing could be erased.
    numbers = {row[_OWNER] for row in batch.rows if row[_OWNER].startswith("+")}
    gone = numbers.difference(_still_there(db, numbers)) if numbers else numbers
    kept = [row for row in batch.rows if row[_OWNER] not in gone]
    if not (looks and _is_written(db, kept, batch.events)):
        if kept:
            _insert.run_many(db, kept)
        if batch.events:
            db.execute(insert(audit), batch.events)
    until = turns.until(db, _WATCHED)
    return 0.0 if until is None else (until - datetime.now(UTC)).total_seconds()


def _still_there(db: Connection, numbers: set[str]) -> list[str]:
    """Those whose person is there: who is being erased now is waited for.

    And who is not cannot be before these rows are written.
    """
    if db.dialect.name == "sqlite":
        # One statement for any number of them; with a place for each, SQLite reads it anew.
        return [row[0] for row in _there.all(db, as_json(sorted(numbers)))]
    query = (
        select(contacts.c.msisdn)
        .where(contacts.c.msisdn.in_(numbers))
        .order_by(contacts.c.id)
        .with_for_update(read=True, key_share=True)
    )
    return list(db.execute(query).scalars())


def _is_written(db: Connection, rows: list[tuple[Any, ...]], events: list[dict[str, Any]]) -> bool:
    """Whether any of these rows or lines is there; they were written together, or not at all."""
    table, names = transcripts, ("owner", "session_key", "hop", "at_ms")
    hops = {tuple(row[_COLUMNS.index(name)] for name in names) for row in rows}
    same = table.c.owner.in_({hop[0] for hop in hops}) & table.c.at_ms.in_({hop[3] for hop in hops})
    found = db.execute(select(*(table.c[name] for name in names)).where(same))
    if hops and not hops.isdisjoint(map(tuple, found)):
        return True
    lines = {(one["actor"], one["at"], one["action"], one["subject"]) for one in events}
    of = audit.c.actor.in_({line[0] for line in lines}) & audit.c.at.in_(
        {line[1] for line in lines}
    )
    known = db.execute(select(audit.c.actor, audit.c.at, audit.c.action, audit.c.subject).where(of))
    return not lines.isdisjoint(map(tuple, known))
