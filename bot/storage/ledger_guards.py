"""The database's own check that each entry of the ledger sums to zero; the code is not asked.

An entry is written after its lines and seals them: a line for an entry that is there already is
refused, and a line without an entry cannot be committed, since its foreign key looks at commit.
"""

from __future__ import annotations

from sqlalchemy import Connection

_POSTGRES = (
    """
    CREATE FUNCTION isoko_entry_sealed() RETURNS trigger AS $$
    BEGIN
        IF EXISTS (SELECT FROM ledger_entries WHERE id = NEW.entry_id) THEN
            RAISE EXCEPTION 'ledger entry % is sealed', NEW.entry_id;
        END IF;
        RETURN NEW;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE FUNCTION isoko_sums_to_zero() RETURNS trigger AS $$
    DECLARE
        entry bigint := to_jsonb(NEW) ->> TG_ARGV[0];
        total numeric;
    BEGIN
        SELECT sum(amount_rwf) INTO total FROM ledger_lines WHERE entry_id = entry;
        IF total IS DISTINCT FROM 0 THEN
            RAISE EXCEPTION 'ledger entry % does not sum to zero', entry;
        END IF;
        RETURN NULL;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER ledger_lines_sealed BEFORE INSERT ON ledger_lines
    FOR EACH ROW EXECUTE FUNCTION isoko_entry_sealed()
    """,
    # At commit, so that two transactions cannot each add to the same entry unseen by the other.
    """
    CREATE CONSTRAINT TRIGGER ledger_lines_sum_to_zero AFTER INSERT ON ledger_lines
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION isoko_sums_to_zero('entry_id')
    """,
    """
    CREATE CONSTRAINT TRIGGER ledger_entries_sum_to_zero AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION isoko_sums_to_zero('id')
    """,
)
_SQLITE = (
    """
    CREATE TRIGGER ledger_lines_sealed BEFORE INSERT ON ledger_lines
    WHEN EXISTS (SELECT 1 FROM ledger_entries WHERE id = NEW.entry_id)
    BEGIN SELECT RAISE(ABORT, 'this ledger entry is sealed'); END
    """,
    # A column of SQLite takes any type: a fraction would be summed with the rest.
    """
    CREATE TRIGGER ledger_lines_whole BEFORE INSERT ON ledger_lines
    WHEN typeof(NEW.amount_rwf) <> 'integer'
    BEGIN SELECT RAISE(ABORT, 'ledger_lines holds whole francs'); END
    """,
    """
    CREATE TRIGGER ledger_entries_sum_to_zero BEFORE INSERT ON ledger_entries
    WHEN coalesce((SELECT sum(amount_rwf) FROM ledger_lines WHERE entry_id = NEW.id), 1) <> 0
    BEGIN SELECT RAISE(ABORT, 'this ledger entry does not sum to zero'); END
    """,
)
_POSTGRES_OFF = (
    "DROP TRIGGER ledger_lines_sealed ON ledger_lines",
    "DROP TRIGGER ledger_lines_sum_to_zero ON ledger_lines",
    "DROP TRIGGER ledger_entries_sum_to_zero ON ledger_entries",
    "DROP FUNCTION isoko_entry_sealed()",
    "DROP FUNCTION isoko_sums_to_zero()",
)
_SQLITE_OFF = (
    "DROP TRIGGER ledger_lines_sealed",
    "DROP TRIGGER ledger_lines_whole",
    "DROP TRIGGER ledger_entries_sum_to_zero",
)


def guard(db: Connection) -> None:
    """Put the check on the ledger's tables; for both databases."""
    for statement in _POSTGRES if db.dialect.name == "postgresql" else _SQLITE:
        db.exec_driver_sql(statement)


def unguard(db: Connection) -> None:
    """Take the check away, for a step back or a rebuilt table."""
    for statement in _POSTGRES_OFF if db.dialect.name == "postgresql" else _SQLITE_OFF:
        db.exec_driver_sql(statement)
