"""Up to when each shop was asked for its orders, and who is asking it now."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import Moment

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shop_pulls",
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("asked_until", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("lease", sa.String(length=16), server_default="", nullable=False),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("why", sa.String(length=160), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_shop_pulls")),
    )


def downgrade() -> None:
    op.drop_table("shop_pulls")
