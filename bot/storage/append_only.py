"""Triggers and grants that let nobody change or remove what was once written down."""

from __future__ import annotations

from sqlalchemy import Connection

FIRST_TABLES = ("ledger_entries", "ledger_lines", "offer_events", "payment_events")
TABLES = (*FIRST_TABLES, "payment_approvals", "audit", "audit_seals")
# SQLite's INSERT OR REPLACE removes the row in its way without asking a DELETE trigger. These
# columns, with the id, are what a row can be in the way by.
_ALONE = {
    "audit_seals": ("audit_id",),
    "ledger_entries": ("cause",),
    "offer_events": ("offer_id", "key"),
    "payment_approvals": ("payment_id", "by"),
}
# A foreign key looks at its target as the owner and needs the right to lock it, which is UPDATE.
_POINTED_AT = ("ledger_entries",)


def protect(db: Connection, tables: tuple[str, ...] = FIRST_TABLES) -> None:
    """Put the triggers on these tables of history; for both databases."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION isoko_append_only() RETURNS trigger AS $$ "
            "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$ LANGUAGE plpgsql"
        )
    for table in tables:
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


def protect_more(db: Connection, tables: tuple[str, ...]) -> None:
    """Close the ways around `protect`: TRUNCATE and missing rights, or INSERT OR REPLACE."""
    for table in tables:
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION isoko_append_only()"
            )
            rights = "DELETE, TRUNCATE" if table in _POINTED_AT else "UPDATE, DELETE, TRUNCATE"
            db.exec_driver_sql(f"REVOKE {rights} ON {table} FROM PUBLIC, CURRENT_USER")
        else:
            taken = f"EXISTS (SELECT 1 FROM {table} WHERE {_in_the_way(table)})"  # noqa: S608  ours
            db.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def leave(db: Connection, tables: tuple[str, ...]) -> None:
    """Take away what `protect_more` put there, for a step back."""
    for table in tables:
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(f"DROP TRIGGER {table}_no_truncate ON {table}")
            db.exec_driver_sql(f"GRANT UPDATE, DELETE, TRUNCATE ON {table} TO CURRENT_USER")
        else:
            db.exec_driver_sql(f"DROP TRIGGER {table}_no_replace")


def _in_the_way(table: str) -> str:
    same = " AND ".join(f'"{column}" = NEW."{column}"' for column in _ALONE.get(table, ()))
    return f"id = NEW.id OR ({same})" if same else "id = NEW.id"
