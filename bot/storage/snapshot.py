"""Several queries that all see the records of one moment, whatever is written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection


@contextmanager
def one_moment(db: Connection) -> Iterator[None]:
    """Within this block every query sees the same state; begin it before any other query."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
        return
    # Outside a transaction a savepoint begins one, which in WAL keeps what it first saw.
    db.exec_driver_sql("SAVEPOINT one_moment")
    try:
        yield
    finally:
        db.exec_driver_sql("RELEASE one_moment")
