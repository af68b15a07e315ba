"""A sum over many rows, read lot by lot, so that what others ask has its turn in between."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, func, select

from bot.storage.records import Records

AT_ONCE = 2000
PAUSE_S = 0.005


async def total(
    records: Records,
    rows: Select[Any],
    key: Column[Any],
    amount: ColumnElement[Any],
    most: int | None = None,
) -> int:
    """The sum of `amount`, such as `func.count()`, over all of `rows`, lot by lot of their `key`.

    It goes no further than one past `most`. What is written meanwhile is not in it; rows of the
    same key are always read together.
    """
    lowest, highest = await records.read(partial(_ends, key=key))
    found = 0
    while lowest <= highest and (most is None or found <= most):
        mine = key.between(lowest, min(highest, lowest + AT_ONCE - 1))
        lot = rows.with_only_columns(amount).where(mine)
        found += await records.read(partial(_sum, lot=lot))
        lowest += AT_ONCE
        # On SQLite a lot is read between hops.
        await asyncio.sleep(PAUSE_S)
    return found if most is None else min(found, most + 1)


def _ends(db: Connection, key: Column[Any]) -> tuple[int, int]:
    lowest, highest = db.execute(select(func.min(key), func.max(key))).one()
    return (0, -1) if lowest is None else (int(lowest), int(highest))


def _sum(db: Connection, lot: Select[Any]) -> int:
    return int(db.execute(lot).scalar() or 0)
