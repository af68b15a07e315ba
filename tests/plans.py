"""How SQLite finds the rows of a piece of work: each statement, and whether it goes through all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event


def scans(db: Connection, table: str, work: Callable[[Connection], object]) -> list[str]:
    """The statements of `work` that go through all of `table`, as SQLite plans them."""
    asked: list[tuple[str, Any]] = []

    def note(
        _db: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool
    ) -> None:
        if table in statement and not many:
            asked.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        work(db)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    found = []
    for statement, values in asked:
        plan = db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        if any(f"SCAN {table}" in row[-1] for row in plan):
            found.append(statement)
    return found
