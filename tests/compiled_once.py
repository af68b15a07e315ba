"""What SQLAlchemy makes of a statement, kept across the engines of all tests.

Each server of a test opens an engine of its own, which would compile everything anew: a third of
what the suite asks of a core.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_MANY = 5_000


@contextmanager
def compiled_once() -> Iterator[None]:
    """While it lasts, new engines share one cache; those of one kind take each other's."""
    shared: Any = LRUCache(_MANY)
    kept = property(lambda _engine: shared, lambda _engine, _own: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "_compiled_cache", kept, raising=False)
        # A statement is kept under the dialect that it was compiled for. Ours are all set alike.
        for dialect in (SQLiteDialect_pysqlite, PGDialect_asyncpg):
            patch.setattr(dialect, "__eq__", lambda one, other: type(one) is type(other))
            patch.setattr(dialect, "__hash__", lambda one: hash(type(one)))
        yield
