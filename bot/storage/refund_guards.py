"""The database's own check that no more is given back than was collected; the code is not asked."""

from __future__ import annotations

from sqlalchemy import Connection

_COLLECTED = (
    "EXISTS (SELECT 1 FROM payments WHERE id = NEW.refunds_id AND direction = 'collection' "
    "AND state = 'succeeded' AND contact_id = NEW.contact_id AND amount_rwf = NEW.amount_rwf)"
)
_MESSAGE = "a refund is what was collected, to whom it was collected from"
_POSTGRES = (
    f"""
    CREATE FUNCTION isoko_refund_was_collected() RETURNS trigger AS $$
    BEGIN
        IF NOT {_COLLECTED} THEN RAISE EXCEPTION '{_MESSAGE}'; END IF;
        RETURN NEW;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER payments_refund BEFORE INSERT OR UPDATE OF refunds_id, amount_rwf ON payments
    FOR EACH ROW WHEN (NEW.refunds_id IS NOT NULL) EXECUTE FUNCTION isoko_refund_was_collected()
    """,
)
_SQLITE = tuple(
    f"""
    CREATE TRIGGER payments_refund_{name} BEFORE {verb} ON payments
    WHEN NEW.refunds_id IS NOT NULL AND NOT {_COLLECTED}
    BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END
    """
    for name, verb in (("made", "INSERT"), ("changed", "UPDATE OF refunds_id, amount_rwf"))
)


def guard(db: Connection) -> None:
    """Put the check on the payments; for both databases."""
    for statement in _POSTGRES if db.dialect.name == "postgresql" else _SQLITE:
        db.exec_driver_sql(statement)


def unguard(db: Connection) -> None:
    """Take the check away, for a step back."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql("DROP TRIGGER payments_refund ON payments")
        db.exec_driver_sql("DROP FUNCTION isoko_refund_was_collected()")
        return
    for name in ("made", "changed"):
        db.exec_driver_sql(f"DROP TRIGGER payments_refund_{name}")
