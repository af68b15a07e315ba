"""The database's own check that money is whole francs in a known currency; the code is not asked.

A column of SQLite takes any type, so 0.01 would pass `amount_rwf > 0` and stay a fraction. A bigint
of PostgreSQL holds no fraction, and its driver takes none for it; only the currency is checked.
"""

from __future__ import annotations

from sqlalchemy import Connection

WHOLE = (
    ("bills", ("amount_rwf",)),
    ("bookings", ("amount_rwf",)),
    ("offers", ("price_rwf",)),
    ("orders", ("price_rwf", "sale_price_rwf")),
    ("payments", ("amount_rwf", "fee_rwf", "moved_rwf")),
    ("price_alerts", ("above_rwf",)),
    ("prices", ("amount_rwf",)),
    ("rates", ("micro_rwf",)),
    ("reconciliations", ("there_rwf", "here_rwf")),
    ("sales", ("amount_rwf",)),
    ("stock_listings", ("price_rwf",)),
)
# Francs, and the euros of MTN's own sandbox, which knows nothing else. What is bought abroad is
# named in any currency, by its three letters.
_PAID_IN = "{} IN ('RWF', 'EUR')"
_NAMED = {"postgresql": "{} ~ '^[A-Z]{{3}}$'", "sqlite": "{} GLOB '[A-Z][A-Z][A-Z]'"}
_CURRENCIES = (("payments", _PAID_IN), ("rates", ""), ("hub_orders", ""))


def guard(db: Connection) -> None:
    """Put the checks on the tables; for both databases."""
    for table, rule in _CURRENCIES:
        known = rule or _NAMED[db.dialect.name]
        if db.dialect.name == "postgresql":
            check = known.format("currency")
            db.exec_driver_sql(
                f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_currency_known CHECK ({check})"
            )
        else:
            off = f"NOT {known.format('NEW.currency')}"
            _watch(db, table, "currency", ("currency",), off, "is in a currency nobody knows")
    if db.dialect.name == "sqlite":
        for table, columns in WHOLE:
            # An empty one is refused where it may not be; "12" has become a number before this.
            kinds = [f"typeof(NEW.{column}) NOT IN ('integer', 'null')" for column in columns]
            _watch(db, table, "whole", columns, " OR ".join(kinds), "holds whole francs")


def unguard(db: Connection) -> None:
    """Take the checks away, for a step back."""
    for table, _rule in _CURRENCIES:
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_currency_known")
        else:
            _watch_no_more(db, table, "currency")
    if db.dialect.name == "sqlite":
        for table, _columns in WHOLE:
            _watch_no_more(db, table, "whole")


def _watch(
    db: Connection, table: str, name: str, columns: tuple[str, ...], off: str, why: str
) -> None:
    """Refuse a row of SQLite that is `off`, whether it is new or changed."""
    for when, verb in (("made", "INSERT"), ("changed", f"UPDATE OF {', '.join(columns)}")):
        db.exec_driver_sql(
            f"CREATE TRIGGER {table}_{name}_{when} BEFORE {verb} ON {table} WHEN {off} "
            f"BEGIN SELECT RAISE(ABORT, '{table} {why}'); END"
        )


def _watch_no_more(db: Connection, table: str, name: str) -> None:
    for when in ("made", "changed"):
        db.exec_driver_sql(f"DROP TRIGGER {table}_{name}_{when}")
