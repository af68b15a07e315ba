"""The kinds of column every table uses, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

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


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. Takes and gives aware datetimes; SQLite itself has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone: it would be read in the wrong one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment back in UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


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
