"""Who serves a person's wallet."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("wallet_provider", sa.String(length=16), server_default="", nullable=False)
        )


def downgrade() -> None:
    # Not in a batch: on SQLite that is a new table, and people are pointed at from everywhere.
    op.drop_column("contacts", "wallet_provider")
