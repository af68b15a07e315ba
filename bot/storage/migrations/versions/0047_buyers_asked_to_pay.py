"""Local buyers who are asked to pay a seller by phone; what they pay is passed on."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_ALIVE = sa.text("state <> 'failed'")
_INDEX = "ix_payments_sale_id_direction"


def upgrade() -> None:
    # A step taken back leaves sales and what pays them: the ledger holds entries of both for ever.
    there = sa.inspect(op.get_bind())
    if not there.has_table("sales"):
        _sales()
    if "sale_id" not in {column["name"] for column in there.get_columns("payments")}:
        # Plain SQL: to Alembic a foreign key on SQLite means a new table, which history points at.
        kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
        op.execute(
            f"ALTER TABLE payments ADD COLUMN sale_id {kind} "
            "CONSTRAINT fk_payments_sale_id REFERENCES sales (id)"
        )
    op.create_index(
        _INDEX,
        "payments",
        ["sale_id", "direction"],
        unique=True,
        sqlite_where=_ALIVE,
        postgresql_where=_ALIVE,
    )


def _sales() -> None:
    op.create_table(
        "sales",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("buyer_msisdn", sa.String(length=16), nullable=False),
        sa.Column("amount_rwf", BigInt, nullable=False),
        sa.Column("what_for", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "amount_rwf > 0 AND amount_rwf <= 5000000", name=op.f("ck_sales_amount_in_limits")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_sales_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales")),
        sa.UniqueConstraint("key", name=op.f("uq_sales_key")),
    )
    op.create_index(op.f("ix_sales_contact_id"), "sales", ["contact_id"])
    op.create_index(op.f("ix_sales_buyer_msisdn_asked_at"), "sales", ["buyer_msisdn", "asked_at"])


def downgrade() -> None:
    op.drop_index(_INDEX, "payments")
