"""Bills and what pays them, refunds, and operators that are out of order."""

import sqlalchemy as sa
from alembic import op

from bot.storage.refund_guards import guard, unguard

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_ALIVE = sa.text("state <> 'failed'")


def upgrade() -> None:
    # A step taken back leaves bills and what pays them: the ledger holds entries of both for ever.
    there = sa.inspect(op.get_bind())
    if not there.has_table("bills"):
        _bills()
    _operators()
    columns = {column["name"] for column in there.get_columns("payments")}
    for name, table in (("bill_id", "bills"), ("refunds_id", "payments")):
        if name not in columns:
            _payments_point_at(name, table)
        op.create_index(
            op.f(f"ix_payments_{name}"),
            "payments",
            [name],
            unique=True,
            sqlite_where=_ALIVE,
            postgresql_where=_ALIVE,
        )
    op.add_column(
        "outbox", sa.Column("via", sa.String(length=16), server_default="", nullable=False)
    )
    op.create_index(op.f("ix_outbox_via_state"), "outbox", ["via", "state"])
    _say_through_whom_money_leaves()
    guard(op.get_bind())


def _bills() -> None:
    op.create_table(
        "bills",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("contact_id", _BIG, nullable=False),
        sa.Column("order_code", sa.String(length=16), nullable=False),
        sa.Column("amount_rwf", _BIG, nullable=False),
        sa.Column("why", sa.String(length=80), server_default="", nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.CheckConstraint(
            "amount_rwf > 0 AND amount_rwf <= 5000000", name=op.f("ck_bills_amount_in_limits")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_bills_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bills")),
    )
    op.create_index(op.f("ix_bills_contact_id"), "bills", ["contact_id"])


def _operators() -> None:
    op.create_table(
        "operators",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="working", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outage", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", _MOMENT),
        sa.Column("next_at", _MOMENT),
        sa.Column("told_up_to", _BIG, server_default="0", nullable=False),
        sa.Column("why", sa.String(length=80), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('working', 'down', 'recovering')", name=op.f("ck_operators_state_known")
        ),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_operators")),
    )


def _payments_point_at(name: str, table: str) -> None:
    # Plain SQL: to Alembic a foreign key on SQLite means a new table, which history points at.
    kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    op.execute(
        f"ALTER TABLE payments ADD COLUMN {name} {kind} "
        f"CONSTRAINT fk_payments_{name} REFERENCES {table} (id)"
    )


def downgrade() -> None:
    unguard(op.get_bind())
    op.drop_index(op.f("ix_outbox_via_state"), "outbox")
    op.drop_column("outbox", "via")
    for name in ("bill_id", "refunds_id"):
        op.drop_index(op.f(f"ix_payments_{name}"), "payments")
    op.drop_table("operators")


def _say_through_whom_money_leaves() -> None:
    """Payments that wait in the outbox wait for their operator."""
    reference = "substr(dedupe_key, length(kind) + 2, 36)"
    op.execute(
        "UPDATE outbox SET via = (SELECT provider FROM payments "  # noqa: S608  ours
        f"WHERE payments.reference = {reference}) WHERE kind <> 'sms' AND state <> 'sent' "
        f"AND EXISTS (SELECT 1 FROM payments WHERE payments.reference = {reference})"
    )
