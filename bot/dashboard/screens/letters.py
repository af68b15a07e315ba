"""A page of those letters of the outbox that an index finds, however many there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, RowMapping, select

from bot.dashboard.screens.asked import PAGE
from bot.storage.schema import outbox


def letters_page(db: Connection, which: ColumnElement[bool], before: int) -> Sequence[RowMapping]:
    """Those before this id, 0 for the newest: one more than a page, the newest first.

    `which` is of columns of one index: their ids are read from it alone, and only the page is
    fetched.
    """
    ids = select(outbox.c.id).where(which)
    ids = ids.where(outbox.c.id < before) if before else ids
    page = list(db.execute(ids.order_by(outbox.c.id.desc()).limit(PAGE + 1)).scalars())
    rows = select(outbox).where(outbox.c.id.in_(page)).order_by(outbox.c.id.desc())
    return db.execute(rows).mappings().all()
