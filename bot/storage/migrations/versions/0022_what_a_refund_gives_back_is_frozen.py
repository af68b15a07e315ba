"""What a refund gives back is approved with it: open refunds have their digests computed anew."""

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TABLE, _TRIGGER = "payment_approvals", "payment_approvals_no_update"


def upgrade() -> None:
    _approve_anew(op.get_bind(), before=5, after=7)


def downgrade() -> None:
    _approve_anew(op.get_bind(), before=7, after=5)


def _approve_anew(db: sa.Connection, before: int, after: int) -> None:
    """Change the digests of open refunds that are of their first `before` terms.

    One that is of anything else stays: somebody has changed that refund.
    """
    rows = db.exec_driver_sql(
        "SELECT r.id, r.reference, r.amount_rwf, r.currency, r.payee_msisdn, r.provider, "
        "c.reference, c.provider_txn_id FROM payments r JOIN payments c ON c.id = r.refunds_id "
        "WHERE r.state IN ('created', 'sent', 'unknown')"
    ).all()
    if not rows:
        return
    change = sa.text(
        "UPDATE payment_approvals SET digest = :new WHERE payment_id = :id AND digest = :old"
    )
    _open(db)
    for row in rows:
        terms = {"id": row[0], "old": _digest(row, before), "new": _digest(row, after)}
        db.execute(change, terms)
    _close(db)


def _digest(row: sa.Row[Any], terms: int) -> str:
    return hashlib.sha256("\n".join(map(str, row[1 : 1 + terms])).encode()).hexdigest()


def _open(db: sa.Connection) -> None:
    """Let approvals be changed, within this transaction only."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql(f"GRANT UPDATE ON {_TABLE} TO CURRENT_USER")
        db.exec_driver_sql(f"DROP TRIGGER {_TRIGGER} ON {_TABLE}")
    else:
        db.exec_driver_sql(f"DROP TRIGGER {_TRIGGER}")


def _close(db: sa.Connection) -> None:
    if db.dialect.name == "postgresql":
        db.exec_driver_sql(
            f"CREATE TRIGGER {_TRIGGER} BEFORE UPDATE ON {_TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION isoko_append_only()"
        )
        db.exec_driver_sql(f"REVOKE UPDATE ON {_TABLE} FROM CURRENT_USER")
    else:
        db.exec_driver_sql(
            f"CREATE TRIGGER {_TRIGGER} BEFORE UPDATE ON {_TABLE} "
            f"BEGIN SELECT RAISE(ABORT, '{_TABLE} is append-only'); END"
        )
