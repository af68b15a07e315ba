"""Exports: asked for with a reason, taken by a link that is good once, streamed row by row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from bot.dashboard.access import export_links
from bot.dashboard.access.export_links import Export
from bot.dashboard.access.members import note
from bot.dashboard.access.roles import Role
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR, Guard
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import SEARCH_MOST
from bot.dashboard.screens.csv_cells import lines_of
from bot.dashboard.screens.export_rows import begin, count_of, lot_of
from bot.dashboard.screens.export_tables import MOST_ROWS, Table, tables
from bot.kept_text import kept_text
from bot.market import Market
from bot.storage.records import RecordsDown

log = structlog.get_logger(__name__)

_REASON_MOST = 160
_PAUSE_S = 0.005
# A browser that takes nothing for so long is left, and access is asked again so often.
SLOW_S, LOOK_AGAIN_S = 10.0, 4.0


@dataclass(slots=True)
class _Sent:
    """How many rows have left."""

    rows: int = 0


class _Left(Exception):
    """Who takes the table away has no access any more."""


class Exports:
    """Where tables are asked for and taken away."""

    def __init__(self, market: Market, pages: Pages, guard: Guard) -> None:
        self._records, self._pages, self._guard = market.records, pages, guard
        self._tables = tables()

    async def ask(self, request: web.Request) -> web.Response:
        """Say what for; the link that comes is good once, here, for ten minutes."""
        visitor, form = request[VISITOR], await fields_of(request)
        member, what = visitor.member, request.match_info["what"]
        table = self._tables.get(what)
        if table is None:
            raise web.HTTPNotFound
        if member.role not in table.roles:
            await self._guard.refuse(request, "not this role")
        filters = _filters(table, form)
        reason = kept_text(form.get("reason", ""), _REASON_MOST)
        most = MOST_ROWS[member.role]
        count = await count_of(self._records, table, filters, most)
        too_many, token = count > most, ""
        if reason and not too_many:
            token = await self._make(request, Export(what, filters, reason), count)
        return self._pages.page(
            "export.html",
            member,
            visitor.form,
            status=200 if token else 422,
            token=token,
            what=what,
            filters=filters,
            count=count,
            most=most,
            too_many=too_many,
            reason_most=_REASON_MOST,
        )

    async def take(self, request: web.Request) -> web.StreamResponse:
        """The table itself; a link that is not good here is refused, and that is on record."""
        visitor, now = request[VISITOR], datetime.now(UTC)
        token, session = request.match_info["token"], self._guard.token_of(request)
        member = visitor.member

        def use(db: Connection) -> Export | None:
            found = export_links.use(db, token, member.id, session, now)
            if found is None:
                note(db, member.name, "export refused", "export", now, why="link not good")
            else:
                # What comes of it may find no records to be written to.
                note(db, member.name, "export begun", f"export {found.what}", now)
            return found

        export = await self._records.write(use)
        if export is None:
            return self._pages.page("link.html", member, visitor.form, status=410, kind="export")
        table = self._tables[export.what]
        if member.role not in table.roles:
            await self._guard.refuse(request, "not this role")
        return await self._stream(request, export, table)

    async def _make(self, request: web.Request, export: Export, count: int) -> str:
        member, session = request[VISITOR].member, self._guard.token_of(request)
        now = datetime.now(UTC)

        def make(db: Connection) -> str:
            said = {"reason": export.reason, "filter": _said(export.filters), "count": count}
            note(db, member.name, "export asked", f"export {export.what}", now, **said)
            return export_links.make(db, export, member.id, session, now)

        return await self._records.write(make)

    async def _stream(
        self, request: web.Request, export: Export, table: Table
    ) -> web.StreamResponse:
        now = datetime.now(UTC)
        response = web.StreamResponse()
        response.content_type, response.charset = "text/csv", "utf-8"
        name = f"isoko-{export.what}-{now:%Y%m%d-%H%M%S}.csv"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        self._guard.harden(response)
        await response.prepare(request)
        sent = _Sent()
        try:
            await self._send(request, response, export, table, sent)
        except Exception as error:  # the beginning has left: no page may follow it, only a cut
            log.warning("an export was cut off", what=export.what, why=repr(error))
            if request.transport is not None:
                request.transport.abort()
            with suppress(RecordsDown):
                await self._taken(request, export, sent.rows, whole=False)
        return response

    async def _send(
        self,
        request: web.Request,
        response: web.StreamResponse,
        export: Export,
        table: Table,
        sent: _Sent,
    ) -> None:
        """Raises `TimeoutError` when the browser takes nothing, `_Left` when access has ended."""
        looked_at, role = time.monotonic(), request[VISITOR].member.role
        await _write(response, lines_of([table.columns]))
        async for rows in self._rows(table, export.filters, role):
            if time.monotonic() - looked_at > LOOK_AGAIN_S:
                looked_at = time.monotonic()
                still = await self._guard.still_may(request)
                if not still or request[VISITOR].member.role not in table.roles:
                    raise _Left
            await _write(response, lines_of(map(table.cells, rows)))
            sent.rows += len(rows)
        # On record before its end: who has all of it was written down.
        await self._taken(request, export, sent.rows, whole=True)
        await response.write_eof()

    async def _rows(
        self, table: Table, filters: Mapping[str, str], role: Role
    ) -> AsyncIterator[list[RowMapping]]:
        """The rows in lots, the newest first, never more than the role may take."""
        left = MOST_ROWS.get(role, 0)
        # Words are found in the reader's language, which the records' own task does not speak.
        which = table.where(filters)
        before = await self._records.read(partial(begin, table=table))
        while left > 0 and before:
            look = partial(lot_of, table=table, which=which, before=before)
            rows, before = await self._records.read(look)
            yield rows[:left]
            left -= len(rows)
            # On SQLite a lot is read between hops: they have their turn before the next one.
            await asyncio.sleep(_PAUSE_S)

    async def _taken(self, request: web.Request, export: Export, sent: int, *, whole: bool) -> None:
        by, now = request[VISITOR].member.name, datetime.now(UTC)
        said = {"reason": export.reason, "filter": _said(export.filters), "count": sent}
        subject = f"export {export.what}"
        await self._records.write(
            lambda db: note(db, by, "exported", subject, now, whole=whole, **said)
        )


async def _write(response: web.StreamResponse, lines: str) -> None:
    async with asyncio.timeout(SLOW_S):
        await response.write(lines.encode())


def _filters(table: Table, form: Mapping[str, str]) -> dict[str, str]:
    kept = {}
    for name, among in table.filters.items():
        asked = form.get(name, "").strip()[:SEARCH_MOST]
        if asked and (among is None or asked in among):
            kept[name] = asked
    return kept


def _said(filters: Mapping[str, str]) -> str:
    said = "&".join(f"{name}={value}" for name, value in filters.items())
    return kept_text(said, SEARCH_MOST * 2) or "all"
