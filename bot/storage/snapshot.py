"""Several queries that all see the records of one moment, whatever is written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.util import await_only


@contextmanager
def one_moment(db: Connection) -> Iterator[None]:
    """Within this block every query sees the same state; begin it before any other query."""
    if db.dialect.name == "postgresql":
        driver: Any = db.connection.driver_connection
        if driver.is_in_transaction():
            db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield
            return
        # A read has no transaction of its own, and outside of one that would mean nothing.
        await_only(driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ"))
        try:
            yield
        finally:
            if not driver.is_closed():
                await_only(driver.execute("ROLLBACK"))
        return
    # Outside a transaction a savepoint begins one, which in WAL keeps what it first saw.
    db.exec_driver_sql("SAVEPOINT one_moment")
    try:
        yield
    finally:
        db.exec_driver_sql("RELEASE one_moment")
