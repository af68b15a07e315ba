"""Exports: asked for with a reason, taken by a link that is good once, streamed row by row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial

import structlog
from aiohttp import web
from sqlalchemy import Connection, RowMapping, and_, case, func, select

from bot.dashboard.access import export_links
from bot.dashboard.access.export_links import Export
from bot.dashboard.access.members import note
from bot.dashboard.access.roles import Role
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR, Guard
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import SEARCH_MOST
from bot.dashboard.screens.csv_cells import lines_of
from bot.dashboard.screens.export_tables import MOST_ROWS, Table, tables
from bot.kept_text import kept_text
from bot.market import Market
from bot.storage.records import RecordsDown

log = structlog.get_logger(__name__)

_REASON_MOST = 160
_AT_ONCE = 200
_PAUSE_S = 0.005


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
        count = await self._records.read(partial(_count, table=table, filters=filters, most=most))
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
        sent, role = 0, request[VISITOR].member.role
        try:
            await response.write(lines_of([table.columns]).encode())
            async for rows in self._rows(table, export.filters, role):
                await response.write(lines_of(map(table.cells, rows)).encode())
                sent += len(rows)
            # On record before its end: who has all of it was written down.
            await self._taken(request, export, sent, whole=True)
            await response.write_eof()
        except (ConnectionError, RecordsDown) as error:
            # The beginning has left: a page cannot be shown any more, and a cut is all there is.
            log.warning("an export was cut off", what=export.what, why=str(error))
            if request.transport is not None:
                request.transport.abort()
            await self._taken(request, export, sent, whole=False)
        return response

    async def _rows(
        self, table: Table, filters: Mapping[str, str], role: Role
    ) -> AsyncIterator[list[RowMapping]]:
        """The rows in lots, the newest first, never more than the role may take."""
        left = MOST_ROWS.get(role, 0)
        before = await self._records.read(partial(_begin, table=table))
        while left > 0 and before:
            look = partial(_lot, table=table, filters=filters, before=before)
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


def _count(db: Connection, table: Table, filters: Mapping[str, str], most: int) -> int:
    """How many rows there are, counted no further than one past the most."""
    wanted = table.rows.with_only_columns(table.key).where(*table.where(filters))
    some = wanted.limit(most + 1).subquery()
    return int(db.execute(select(func.count()).select_from(some)).scalar() or 0)


def _begin(db: Connection, table: Table) -> int:
    """The key before which the export begins: what comes later is in the next one."""
    return int(db.execute(select(func.max(table.key))).scalar() or 0) + 1


def _lot(
    db: Connection, table: Table, filters: Mapping[str, str], before: int
) -> tuple[list[RowMapping], int]:
    """The rows among the next `_AT_ONCE` keys, the newest first; and before which to go on, or 0.

    The filter is put so that no index can be taken for it: one that is in another order would have
    all that is left sorted for each lot.
    """
    keys = select(table.key.label("key")).where(table.key < before)
    window = keys.order_by(table.key.desc()).limit(_AT_ONCE).subquery()
    lowest = db.execute(select(func.min(window.c.key))).scalar()
    if lowest is None:
        return [], 0
    query = table.rows.where(table.key >= lowest, table.key < before)
    if which := table.where(filters):
        query = query.where(case((and_(*which), 1), else_=0) == 1)
    return list(db.execute(query.order_by(table.key.desc())).mappings()), int(lowest)
