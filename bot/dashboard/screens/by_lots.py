"""A list narrowed by what no index has: read lot by lot, so that hops have their turn in between.

On SQLite a read runs where hops are answered: one that goes through all rows stops every caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    case,
    func,
    select,
)

from bot.dashboard.screens.asked import PAGE
from bot.storage.in_lots import PAUSE_S
from bot.storage.records import Records

# A few milliseconds on SQLite.
AT_ONCE = 1000
# A page goes through so many rows at most; the next one goes on from there.
LOOKED_AT = 200_000
Which = Sequence[ColumnElement[bool]]


class Found(NamedTuple):
    """The rows of a page, the newest first; before which key the next begins, 0 for nowhere.

    `partly`: there are older rows that nobody has looked at, and the page is not full.
    """

    rows: list[RowMapping]
    following: int
    partly: bool = False


async def page_of(
    records: Records,
    rows: Select[Any],
    key: Column[Any],
    which: Which,
    before: int,
    exact: ColumnElement[bool] | None = None,
) -> Found:
    """The page of those of `rows` that are `which`, before this key; 0 for the newest.

    `exact`, for which there is an index, stands before all others: it is found however old it is.
    Where it fills a page there are no others.
    """
    found: list[RowMapping] = []
    if exact is not None:
        named = partial(_newest, rows=rows.where(*which, exact), key=key)
        newest = await records.read(partial(named, before=0))
        if len(newest) >= PAGE:
            some = await records.read(partial(named, before=before))
            return Found(some[:PAGE], int(some[PAGE - 1][key.name]) if len(some) > PAGE else 0)
        found += [] if before else newest
        # What is not known to be it is another.
        which = (*which, case((exact, 0), else_=1) == 1)
    # What is not narrowed is found at once.
    at_once, looked_at = AT_ONCE if which else PAGE + 1, 0
    while looked_at < LOOKED_AT:
        most = PAGE + 1 - len(found)
        work = partial(lot, rows=rows, key=key, which=which, before=before, at_once=at_once)
        new, before = await records.read(partial(work, most=most))
        found += new
        if len(found) > PAGE:
            return Found(found[:PAGE], int(found[PAGE - 1][key.name]))
        if not before or not which:
            return Found(found, 0)
        looked_at += at_once
        await asyncio.sleep(PAUSE_S)
    return Found(found, before, partly=True)


def lot(
    db: Connection,
    rows: Select[Any],
    key: Column[Any],
    which: Which,
    before: int,
    at_once: int,
    most: int | None = None,
) -> tuple[list[RowMapping], int]:
    """The rows among the next `at_once` keys, the newest first; and before which to go on, or 0.

    The filter is put so that no index can be taken for it: one that is in another order would have
    all that is left sorted for each lot.
    """
    keys = select(key.label("key"))
    keys = keys.where(key < before) if before else keys
    window = keys.order_by(key.desc()).limit(at_once).subquery()
    lowest = db.execute(select(func.min(window.c.key))).scalar()
    if lowest is None:
        return [], 0
    query = rows.where(key >= lowest)
    query = query.where(key < before) if before else query
    if which:
        query = query.where(case((and_(*which), 1), else_=0) == 1)
    found = db.execute(query.order_by(key.desc()).limit(most)).mappings()
    return list(found), int(lowest)


def _newest(db: Connection, rows: Select[Any], key: Column[Any], before: int) -> list[RowMapping]:
    rows = rows.where(key < before) if before else rows
    return list(db.execute(rows.order_by(key.desc()).limit(PAGE + 1)).mappings())
