"""What Telegram delivered: kept before it is acknowledged, applied once, in order."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "telegram_updates",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("update_id", BigInt, nullable=True),
        sa.Column("chat_id", BigInt, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=13), nullable=False),
        sa.Column("outcome", sa.String(length=160), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease", sa.String(length=40), server_default="", nullable=False),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("shown_in", BigInt, nullable=True),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'applied', 'ignored', 'parked', 'unprocessable')",
            name=op.f("ck_telegram_updates_state_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telegram_updates")),
        sa.UniqueConstraint("update_id", name=op.f("uq_telegram_updates_update_id")),
    )
    for columns in (["received_at"], ["state", "chat_id", "update_id"], ["chat_id", "update_id"]):
        name = f"ix_telegram_updates_{'_'.join(columns)}"
        op.create_index(op.f(name), "telegram_updates", columns)


def downgrade() -> None:
    op.drop_table("telegram_updates")
