"""The kinds of column every table uses, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    TypeDecorator,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column that is exactly INTEGER.
BigInt = BigInteger().with_variant(Integer, "sqlite")
Json = JSON()


class Francs(TypeDecorator[int]):
    """Whole francs; of a rate, whole millionths of one.

    PostgreSQL's driver would cut 2.5 to 2, and SQLite keep it as it is.
    """

    impl = BigInt
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Refuse whatever is not an int: no rounding is anybody's but the market's own."""
        if value is None or type(value) is int:
            return value
        raise ValueError(f"money is whole francs, not {value!r}")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. Takes and gives aware datetimes; SQLite itself has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone: it would be read in the wrong one."""
        return None if value is None else _in_utc(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """On SQLite a moment is a text: the same as SQLAlchemy's, made in less time."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment back in UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError("a stored moment needs its time zone")
    return value.astimezone(UTC)


# A hop writes its one moment into row after row.
@lru_cache(64)
def _as_text(value: datetime | None) -> str | None:
    # Without the zone, which is UTC in every row.
    return None if value is None else _in_utc(value).isoformat(" ", "microseconds")[:26]


def as_json(value: Any) -> str:
    """The text that a `Json` column keeps; made in a tenth of the standard library's time."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        # Half a pair of UTF-16, which somebody made up: it can be written as an escape only.
        return json.dumps(value)


def row_id() -> Column[int]:
    """The number of a row, given by the database."""
    return Column("id", BigInt, primary_key=True, autoincrement=True)


def belongs_to(name: str, table: str, nullable: bool = False, **more: Any) -> Column[Any]:
    """A column `name` that holds the id of a row of `table`."""
    return Column(name, BigInt, ForeignKey(f"{table}.id"), nullable=nullable, **more)


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """A constraint: `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
