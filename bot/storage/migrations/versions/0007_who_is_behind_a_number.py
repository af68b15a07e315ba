"""Changes of the number for money, when a person was last seen, and mistakes by their time."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wallet_changes",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("before", sa.String(length=16), nullable=False),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_wallet_changes_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_changes")),
    )
    op.create_index(op.f("ix_wallet_changes_contact_id_at"), "wallet_changes", ["contact_id", "at"])
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seen_day", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("verify_since", Moment(), nullable=True))
    op.create_index(op.f("ix_pin_failures_at"), "pin_failures", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_pin_failures_at"), "pin_failures")
    # Not in a batch: on SQLite that is a new table, and people are pointed at from everywhere.
    op.drop_column("contacts", "verify_since")
    op.drop_column("contacts", "seen_day")
    op.drop_table("wallet_changes")
