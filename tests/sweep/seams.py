"""The seams of a process: around every commit, every request to outside, and every answer of ours.

Each passage through one gets a name, from the stack, and a number; at one of them the process may be
told to die. Nothing here knows what the server does: what is passed is found, not listed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import aiohttp
from aiohttp.web_protocol import RequestHandler
from sqlalchemy import event
from sqlalchemy.engine import Engine

import bot
from bot.storage.postgres import PostgresRecords
from bot.storage.sqlite import SqliteRecords

_BOT = str(Path(bot.__file__).parent)
# The stores themselves, and what everything runs under, say nothing of who asked.
_EVERYBODY = (
    "storage/sqlite.py", "storage/postgres.py", "storage/postgres_batch.py", "cli/serve.py",
    "cli/__init__.py",
)  # fmt: skip
# Transcripts, the days of calls and the minutes' figures are written by the clock, off every path of
# money.
_BY_THE_CLOCK = (
    "storage/transcripts.py", "storage/call_days.py", "operations/minute_figures.py",
)  # fmt: skip
_NOT_A_PATH = ("/healthz", "/readyz", "/metrics")
_WROTE = "sweep_wrote"


class Point(NamedTuple):
    """One passage: in which process, through which seam, for the how many-th time."""

    process: str
    seam: str
    nth: int

    def __str__(self) -> str:
        return f"{self.process} | {self.seam} | {self.nth}"


def point_of(text: str) -> Point:
    """The point that `str` made into this text."""
    process, seam, nth = text.rsplit(" | ", 2)
    return Point(process, seam, int(nth))


class Seams:
    """Counts this process's passages, writes them to `record`, and dies at `fatal`."""

    def __init__(self, process: str, record: str, fatal: Point | None) -> None:
        self._process, self._fatal = process, fatal
        self._record = Path(record).open("a", encoding="utf-8")  # noqa: SIM115  held for life
        self._passed: Counter[str] = Counter()

    def install(self) -> None:
        """Put the seams around the store, aiohttp's client and aiohttp's server."""
        event.listen(Engine, "after_cursor_execute", _note_write)
        for store in (SqliteRecords, PostgresRecords):
            self._around_commits(store)
        self._around_requests()
        self._around_answers()

    def passes(self, seam: str) -> None:
        """The process is at this seam now; it may be the last thing it does."""
        self._passed[seam] += 1
        point = Point(self._process, seam, self._passed[seam])
        self._record.write(json.dumps(point) + "\n")
        self._record.flush()
        if point == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def _around_commits(self, store: type) -> None:
        write = store.write

        async def watched(records, work):
            where, wrote = _caller(), False

            def to_the_brink(db):
                nonlocal wrote
                before = _changes(db)
                result = work(db)
                wrote = _changes(db) != before
                if wrote and where:
                    self.passes(f"before commit, {where}")
                return result

            result = await write(records, to_the_brink)
            if wrote and where:
                self.passes(f"after commit, {where}")
            return result

        store.write = watched

    def _around_requests(self) -> None:
        request = aiohttp.ClientSession._request

        async def watched(session, method, url, **more):
            where = _caller()
            self.passes(f"before {method}, {where}")
            response = await request(session, method, url, **more)
            self.passes(f"after {method}, {where}")
            return response

        aiohttp.ClientSession._request = watched

    def _around_answers(self) -> None:
        finish = RequestHandler.finish_response

        async def watched(handler, request, response, started):
            if request.path in _NOT_A_PATH:
                return await finish(handler, request, response, started)
            route = getattr(getattr(request, "_match_info", None), "route", None)
            known = getattr(route, "resource", None)
            where = f"{request.method} {known.canonical if known else request.path}"
            self.passes(f"before answer, {where}")
            done = await finish(handler, request, response, started)
            # uvloop keeps what is written until the end of its turn: only then has it left.
            await asyncio.sleep(0.01)
            self.passes(f"after answer, {where}")
            return done

        RequestHandler.finish_response = watched


def _changes(db) -> int:
    """How many rows this connection has changed so far."""
    if db.dialect.name == "sqlite":
        return db.connection.driver_connection.total_changes
    return db.info.get(_WROTE, 0)


def _note_write(db, cursor, statement, _parameters, _context, _many) -> None:
    if db.dialect.name == "sqlite":
        return
    if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE") and cursor.rowcount != 0:
        db.info[_WROTE] = db.info.get(_WROTE, 0) + 1


def _caller() -> str:
    """Who of `bot` stands on the stack, the innermost with its line; "" for who writes by a clock."""
    frame, found = sys._getframe(2), []
    while frame is not None:
        file = frame.f_code.co_filename
        name = file.removeprefix(_BOT + "/")
        if file.startswith(_BOT) and name not in _EVERYBODY:
            where = f"{name}:{frame.f_lineno} " if not found else ""
            found.append(where + frame.f_code.co_qualname)
            if name in _BY_THE_CLOCK:
                return ""
        frame = frame.f_back
    return " < ".join(found[:4])
