"""Which account on Telegram belongs to which person."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "telegram_links",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("user_id", BigInt, nullable=False),
        sa.Column("chat_id", BigInt, nullable=False),
        sa.Column("msisdn", sa.String(length=16), nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.Column("blocked_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_telegram_links_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telegram_links")),
    )
    op.create_index(op.f("ix_telegram_links_user_id"), "telegram_links", ["user_id"])
    op.create_index(op.f("ix_telegram_links_contact_id"), "telegram_links", ["contact_id"])


def downgrade() -> None:
    op.drop_table("telegram_links")
