"""The rows of an export: counted, and read lot by lot, so that hops have their turn in between."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, func, select

from bot.dashboard.screens.by_lots import lot
from bot.dashboard.screens.export_tables import Table
from bot.storage.in_lots import total
from bot.storage.records import Records

_AT_ONCE = 200


async def count_of(records: Records, table: Table, filters: Mapping[str, str], most: int) -> int:
    """How many rows there are, counted no further than one past the most."""
    which = table.where(filters)
    amount = func.sum(case((and_(*which), 1), else_=0)) if which else func.count()
    return await total(records, table.rows, table.key, amount, most)


def begin(db: Connection, table: Table) -> int:
    """The key before which the export begins: what comes later is in the next one."""
    return int(db.execute(select(func.max(table.key))).scalar() or 0) + 1


def lot_of(
    db: Connection, table: Table, which: list[ColumnElement[bool]], before: int
) -> tuple[list[RowMapping], int]:
    """The rows among the next `_AT_ONCE` keys, the newest first; before which to go on, or 0."""
    return lot(db, table.rows, table.key, which, before, _AT_ONCE)
