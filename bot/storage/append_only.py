"""Triggers that let nobody change or remove what was once written down."""

from __future__ import annotations

from sqlalchemy import Connection

TABLES = ("ledger_entries", "ledger_lines", "offer_events", "payment_events")


def protect(db: Connection) -> None:
    """Put the triggers on the tables of history; for both databases."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION isoko_append_only() RETURNS trigger AS $$ "
            "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$ LANGUAGE plpgsql"
        )
    for table in TABLES:
        for verb in ("UPDATE", "DELETE"):
            name = f"{table}_no_{verb.lower()}"
            if db.dialect.name == "postgresql":
                db.exec_driver_sql(
                    f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
                    "FOR EACH ROW EXECUTE FUNCTION isoko_append_only()"
                )
            else:
                db.exec_driver_sql(
                    f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
