"""Photos of what people offer: made anew when they came, shown once staff have checked them."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_photos",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("listing_id", BigInt, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="waiting", nullable=False),
        sa.Column("sent_at", Moment(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("decided_by", sa.String(length=40), server_default="", nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'shown', 'refused')", name=op.f("ck_stock_photos_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["stock_listings.id"], name=op.f("fk_stock_photos_listing_id")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_stock_photos_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_photos")),
        sa.UniqueConstraint("key", name=op.f("uq_stock_photos_key")),
    )
    op.create_index(
        op.f("ix_stock_photos_listing_id_state"), "stock_photos", ["listing_id", "state"]
    )
    op.create_index(
        op.f("ix_stock_photos_contact_id_sent_at"), "stock_photos", ["contact_id", "sent_at"]
    )
    op.create_index(op.f("ix_stock_photos_state"), "stock_photos", ["state"])


def downgrade() -> None:
    op.drop_table("stock_photos")
