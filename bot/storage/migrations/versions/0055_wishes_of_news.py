"""Where news goes and in which hours it waits is for each person to say."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "news_wishes",
        sa.Column("contact_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("way", sa.String(8), server_default="last", nullable=False),
        sa.Column("quiet_from", sa.Integer),
        sa.Column("quiet_until", sa.Integer),
        sa.CheckConstraint("way IN ('last', 'sms', 'chat')", name=op.f("ck_news_wishes_way_known")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_news_wishes_contact_id")
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_news_wishes")),
    )


def downgrade() -> None:
    op.drop_table("news_wishes")
