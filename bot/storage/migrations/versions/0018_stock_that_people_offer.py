"""Stock that people offer: how much, of what grade, at what price, from which harvest."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_listings",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("grade", sa.String(length=8), server_default="", nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("price_rwf", BigInt, nullable=False),
        sa.Column("harvested_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="open", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("offered_at", Moment(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'withdrawn')", name=op.f("ck_stock_listings_state_known")
        ),
        sa.CheckConstraint(
            "units > 0 AND price_rwf > 0", name=op.f("ck_stock_listings_amounts_positive")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_stock_listings_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_listings")),
        sa.UniqueConstraint("key", name=op.f("uq_stock_listings_key")),
    )
    op.create_index(
        op.f("ix_stock_listings_contact_id_state_product"),
        "stock_listings",
        ["contact_id", "state", "product"],
    )


def downgrade() -> None:
    op.drop_table("stock_listings")
