"""Statements of the hop path, compiled once: on SQLite they go straight to the driver."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select
from sqlalchemy.exc import DBAPIError

Row = Sequence[Any]
_Convert = Callable[[Any], Any] | None


class Prepared:
    """One statement and the names of its values; 5 us on SQLite where `db.execute` takes 30.

    Rows come back as the driver gives them, so select only texts, whole numbers and bytes. Errors
    are SQLAlchemy's, as everywhere else. PostgreSQL is served by SQLAlchemy itself.
    """

    def __init__(self, statement: Insert | Select[Any], *names: str) -> None:
        self.statement, self.names = statement, names
        self._sql = ""
        self._order: list[tuple[int, _Convert]] = []

    def one(self, db: Connection, *values: Any) -> Row | None:
        """The first row for `values`, given in the order of the names; None when there is none."""
        if db.dialect.name != "sqlite":
            return db.execute(self.statement, dict(zip(self.names, values, strict=True))).first()
        row: Row | None = self._ask(db, values).fetchone()
        return row

    def run(self, db: Connection, values: Mapping[str, Any]) -> None:
        """Do it once. Raises what `db.execute` raises, such as IntegrityError."""
        if db.dialect.name != "sqlite":
            db.execute(self.statement, dict(values))
            return
        self._ask(db, [values[name] for name in self.names])

    def run_many(self, db: Connection, rows: Sequence[Row]) -> None:
        """Do it for each row, its values in the order of the names."""
        if db.dialect.name != "sqlite":
            named = [dict(zip(self.names, row, strict=True)) for row in rows]
            db.execute(self.statement, named)
            return
        if not self._sql:
            self._compile(db.dialect)
        given = [self._in_order(row) for row in rows]
        self._drive(db, lambda driver: driver.executemany(self._sql, given))

    def _ask(self, db: Connection, values: Sequence[Any]) -> Any:
        if not self._sql:
            self._compile(db.dialect)
        given = self._in_order(values)
        return self._drive(db, lambda driver: driver.execute(self._sql, given))

    def _in_order(self, values: Sequence[Any]) -> list[Any]:
        return [
            values[place] if convert is None else convert(values[place])
            for place, convert in self._order
        ]

    def _drive(self, db: Connection, ask: Callable[[Any], Any]) -> Any:
        try:
            return ask(db.connection.driver_connection)
        except sqlite3.Error as error:
            raise DBAPIError.instance(self._sql, None, error, sqlite3.Error) from error

    def _compile(self, dialect: Dialect) -> None:
        plain = isinstance(self.statement, Insert) and self.statement.select is None
        columns = list(self.names) if plain else None
        compiled: Any = self.statement.compile(dialect=dialect, column_keys=columns)
        order = []
        for name in compiled.positiontup:
            if name not in self.names:
                raise ValueError(f"name {name!r} too: a default of the column is not filled in")
            kind = compiled.binds[name].type.dialect_impl(dialect)
            order.append((self.names.index(name), kind.bind_processor(dialect)))
        self._order, self._sql = order, str(compiled)
