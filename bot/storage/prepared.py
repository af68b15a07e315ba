"""Statements of the hop path, compiled once: they go straight to the driver of either store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import Connection, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.util import await_only

Row = Sequence[Any]
_Convert = Callable[[Any], Any] | None
_ERRORS = (sqlite3.Error, asyncpg.PostgresError)


class _Compiled(NamedTuple):
    """A statement in one store's words, and where each of its values comes from."""

    sql: str
    order: list[tuple[int, _Convert]]
    # Whether the driver takes the values just as they are.
    plain: bool

    def given(self, values: Sequence[Any]) -> Sequence[Any]:
        """The values as the driver takes them."""
        if self.plain:
            return values
        return [
            values[place] if convert is None else convert(values[place])
            for place, convert in self.order
        ]


class Prepared:
    """One statement and the names of its values; 5 us on SQLite where `db.execute` takes 30.

    Rows come back as the driver gives them, so select only texts, whole numbers and bytes. Errors
    are SQLAlchemy's, as everywhere else.
    """

    def __init__(self, statement: Insert | Update | Select[Any], *names: str) -> None:
        self.statement, self.names = statement, names
        self._compiled: dict[str, _Compiled] = {}

    def one(self, db: Connection, *values: Any) -> Row | None:
        """The first row for `values`, given in the order of the names; None when there is none."""
        row: Row | None = self._ask(db, values)
        return row

    def all(self, db: Connection, *values: Any) -> Sequence[Row]:
        """Every row for `values`, given in the order of the names."""
        compiled, driver = self._of(db.dialect), _driver(db)
        given = compiled.given(values)
        try:
            if db.dialect.name == "sqlite":
                found: Sequence[Row] = driver.execute(compiled.sql, given).fetchall()
            else:
                found = await_only(driver.fetch(compiled.sql, *given))
        except _ERRORS as error:
            raise _as_sqlalchemy(error, compiled.sql) from error
        return found

    def many(self, db: Connection, rows: Sequence[Row]) -> Sequence[Row]:
        """Do it for each row, in order, its values as in `one`; what comes back, together."""
        compiled, driver = self._of(db.dialect), _driver(db)
        given = [compiled.given(row) for row in rows]
        try:
            if db.dialect.name == "sqlite":
                each = (driver.execute(compiled.sql, row).fetchall() for row in given)
                return [row for found in each for row in found]
            # They leave together: a turn there and back for each costs many times the work.
            found: Sequence[Row] = await_only(driver.fetchmany(compiled.sql, given))
        except _ERRORS as error:
            raise _as_sqlalchemy(error, compiled.sql) from error
        return found

    def run(self, db: Connection, values: Mapping[str, Any]) -> None:
        """Do it once. Raises what `db.execute` raises, such as IntegrityError."""
        self._ask(db, [values[name] for name in self.names])

    def run_many(self, db: Connection, rows: Sequence[Row]) -> None:
        """Do it for each row, its values in the order of the names."""
        compiled, driver = self._of(db.dialect), _driver(db)
        given = rows if compiled.plain else [compiled.given(row) for row in rows]
        try:
            done = driver.executemany(compiled.sql, given)
            if db.dialect.name != "sqlite":
                await_only(done)
        except _ERRORS as error:
            raise _as_sqlalchemy(error, compiled.sql) from error

    def _ask(self, db: Connection, values: Sequence[Any]) -> Any:
        compiled, driver = self._of(db.dialect), _driver(db)
        given = compiled.given(values)
        try:
            if db.dialect.name == "sqlite":
                return driver.execute(compiled.sql, given).fetchone()
            return await_only(driver.fetchrow(compiled.sql, *given))
        except _ERRORS as error:
            raise _as_sqlalchemy(error, compiled.sql) from error

    def _of(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = self._compile(dialect, self.statement)
        return found

    def _compile(self, dialect: Dialect, statement: Any) -> _Compiled:
        plain = isinstance(statement, Insert) and statement.select is None
        columns = list(self.names) if plain else None
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
        order = []
        for name in compiled.positiontup:
            if name not in self.names:
                raise ValueError(f"name {name!r} too: a default of the column is not filled in")
            kind = compiled.binds[name].type.dialect_impl(dialect)
            order.append((self.names.index(name), kind.bind_processor(dialect)))
        plain = order == [(place, None) for place in range(len(self.names))]
        return _Compiled(str(compiled), order, plain)


class PreparedRow(Prepared):
    """A statement that writes one row of a table with an id, or none, such as on a conflict.

    On SQLite the driver knows what was done: a `RETURNING` there takes a third as long again.
    """

    statement: Insert | Update

    def id_of(self, db: Connection, *values: Any) -> int:
        """The id of the row that an insert of `values` made; 0 when it made none."""
        if db.dialect.name != "sqlite":
            row = self.one(db, *values)
            return 0 if row is None else int(row[0])
        done = self._do(db, values)
        return done.lastrowid or 0 if done.rowcount else 0

    def has_written(self, db: Connection, *values: Any) -> bool:
        """Whether there was a row to write for `values`."""
        if db.dialect.name != "sqlite":
            return self.one(db, *values) is not None
        return bool(self._do(db, values).rowcount)

    def _do(self, db: Connection, values: Sequence[Any]) -> sqlite3.Cursor:
        compiled = self._of(db.dialect)
        given = compiled.given(values)
        try:
            cursor: sqlite3.Cursor = _driver(db).execute(compiled.sql, given)
        except _ERRORS as error:
            raise _as_sqlalchemy(error, compiled.sql) from error
        return cursor

    def _compile(self, dialect: Dialect, statement: Any) -> _Compiled:
        told = statement if dialect.name == "sqlite" else statement.returning(statement.table.c.id)
        return super()._compile(dialect, told)


def _driver(db: Connection) -> Any:
    # SQLite's is the DBAPI's own: the way to it is half as long.
    proxied: Any = db.connection
    return proxied.dbapi_connection if db.dialect.name == "sqlite" else proxied.driver_connection


def _as_sqlalchemy(error: Exception, sql: str) -> Exception:
    """A driver's error as SQLAlchemy's."""
    if isinstance(error, sqlite3.Error):
        return DBAPIError.instance(sql, None, error, sqlite3.Error)
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return IntegrityError(sql, None, error)
    return DBAPIError(sql, None, error)
