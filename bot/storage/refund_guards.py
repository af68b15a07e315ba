"""The database's own check that no more is given back than was collected; the code is not asked."""

from __future__ import annotations

from sqlalchemy import Connection

_MESSAGE = "a refund is what was collected, to whom it was collected from"


def _collected(amount: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM payments WHERE id = NEW.refunds_id AND direction = 'collection' "  # noqa: S608  ours
        f"AND state = 'succeeded' AND contact_id = NEW.contact_id AND {amount} = NEW.amount_rwf)"
    )


def _postgres(collected: str) -> tuple[str, ...]:
    return (
        f"""
    CREATE FUNCTION isoko_refund_was_collected() RETURNS trigger AS $$
    BEGIN
        IF NOT {collected} THEN RAISE EXCEPTION '{_MESSAGE}'; END IF;
        RETURN NEW;
    END $$ LANGUAGE plpgsql
    """,
        """
    CREATE TRIGGER payments_refund BEFORE INSERT OR UPDATE OF refunds_id, amount_rwf ON payments
    FOR EACH ROW WHEN (NEW.refunds_id IS NOT NULL) EXECUTE FUNCTION isoko_refund_was_collected()
    """,
    )


def _sqlite(collected: str) -> tuple[str, ...]:
    return tuple(
        f"""
    CREATE TRIGGER payments_refund_{name} BEFORE {verb} ON payments
    WHEN NEW.refunds_id IS NOT NULL AND NOT {collected}
    BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END
    """
        for name, verb in (("made", "INSERT"), ("changed", "UPDATE OF refunds_id, amount_rwf"))
    )


def guard(db: Connection, amount: str = "amount_rwf") -> None:
    """Put the check on the payments; for both databases. `amount` is what a collection brought."""
    statements = _postgres if db.dialect.name == "postgresql" else _sqlite
    for statement in statements(_collected(amount)):
        db.exec_driver_sql(statement)


def unguard(db: Connection) -> None:
    """Take the check away, for a step back."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql("DROP TRIGGER payments_refund ON payments")
        db.exec_driver_sql("DROP FUNCTION isoko_refund_was_collected()")
        return
    for name in ("made", "changed"):
        db.exec_driver_sql(f"DROP TRIGGER payments_refund_{name}")
