"""Figures of each minute for the health page; and who looks after an alert."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_NUMBERS = ("faults", "lag_ms", "late_s", "dead", "unknown", "flagged")


def upgrade() -> None:
    op.create_table(
        "minutes",
        sa.Column("minute", BigInt, autoincrement=False, nullable=False),
        sa.Column("worker", sa.String(length=16), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("times", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _NUMBERS),
        sa.PrimaryKeyConstraint("minute", "worker", name=op.f("pk_minutes")),
    )
    with op.batch_alter_table("staff_alerts") as batch:
        batch.add_column(sa.Column("owner", sa.String(40), server_default="", nullable=False))
        batch.add_column(sa.Column("owner_why", sa.String(160), server_default="", nullable=False))
        batch.add_column(sa.Column("owned_at", Moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("staff_alerts") as batch:
        batch.drop_column("owned_at")
        batch.drop_column("owner_why")
        batch.drop_column("owner")
    op.drop_table("minutes")
