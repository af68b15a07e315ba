"""The books check themselves: entries that must sum to zero, payouts frozen when approved."""

import hashlib

import sqlalchemy as sa
from alembic import op

from bot.storage.append_only import leave, protect, protect_more
from bot.storage.ledger_guards import guard, unguard

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HISTORY = (
    "ledger_entries",
    "ledger_lines",
    "offer_events",
    "payment_events",
    "payment_approvals",
)
_KEY = "fk_ledger_lines_entry_id"


def upgrade() -> None:
    db = op.get_bind()
    _entry_looked_for(db, at_commit=True)
    op.create_table(
        "payment_approvals",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("payment_id", _BIG, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_approvals_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_approvals")),
    )
    op.create_index(
        op.f("ix_payment_approvals_payment_id_by"),
        "payment_approvals",
        ["payment_id", "by"],
        unique=True,
    )
    _approve_what_is_under_way(db)
    protect(db, ("payment_approvals",))
    protect_more(db, _HISTORY)
    guard(db)


def downgrade() -> None:
    db = op.get_bind()
    unguard(db)
    leave(db, _HISTORY)
    op.drop_table("payment_approvals")
    _entry_looked_for(db, at_commit=False)


def _entry_looked_for(db: sa.Connection, at_commit: bool) -> None:
    """Whether a line's entry must be there at once, or only when it is committed."""
    if db.dialect.name == "postgresql":
        when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else "NOT DEFERRABLE"
        db.exec_driver_sql(f"ALTER TABLE ledger_lines ALTER CONSTRAINT {_KEY} {when}")
        return
    # SQLite changes a foreign key only with its table. A dropped table fires no trigger.
    op.create_table(
        "ledger_lines_new",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("entry_id", _BIG, nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("amount_rwf", _BIG, nullable=False),
        sa.CheckConstraint("amount_rwf <> 0", name=op.f("ck_ledger_lines_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["ledger_entries.id"],
            name=op.f(_KEY),
            deferrable=at_commit or None,
            initially="DEFERRED" if at_commit else None,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_lines")),
    )
    db.exec_driver_sql(
        "INSERT INTO ledger_lines_new (id, entry_id, account, amount_rwf) "
        "SELECT id, entry_id, account, amount_rwf FROM ledger_lines"
    )
    op.drop_table("ledger_lines")
    op.rename_table("ledger_lines_new", "ledger_lines")
    op.create_index(op.f("ix_ledger_lines_account"), "ledger_lines", ["account"])
    op.create_index(op.f("ix_ledger_lines_entry_id"), "ledger_lines", ["entry_id"])
    protect(db, ("ledger_lines",))


def _approve_what_is_under_way(db: sa.Connection) -> None:
    """Payouts that were made before approvals were kept may still be sent as they stand."""
    rows = db.exec_driver_sql(
        "SELECT id, reference, amount_rwf, currency, payee_msisdn, provider, created_at "
        "FROM payments WHERE state IN ('created', 'sent', 'unknown')"
    ).all()
    keep = sa.text(
        'INSERT INTO payment_approvals (payment_id, "by", digest, at) '
        "SELECT id, 'hub', :digest, created_at FROM payments WHERE id = :id"
    )
    for row in rows:
        digest = hashlib.sha256("\n".join(map(str, row[1:6])).encode()).hexdigest()
        db.execute(keep, {"id": row[0], "digest": digest})
