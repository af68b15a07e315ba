"""What is sent again to a receiver is a job of all processes: one for each, and it goes on."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "recoveries",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("via", sa.String(16), nullable=False),
        sa.Column("since", Moment, nullable=False),
        sa.Column("after_id", BigInt, nullable=False),
        sa.Column("last_id", BigInt, nullable=False),
        sa.Column("letters", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("asked_at", Moment, nullable=False),
        sa.Column("ended_at", Moment),
    )
    op.create_index(
        "ix_recoveries_open",
        "recoveries",
        ["via"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def downgrade() -> None:
    op.drop_table("recoveries")
