"""What is taken of a product's price, by whom, from which day."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Json, Moment

revision = "0040"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_fees",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("hub", sa.String(length=16), server_default="rw", nullable=False),
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("fees", Json, nullable=False),
        sa.Column("entered_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_fees")),
    )
    op.create_index(
        op.f("ix_price_fees_hub_product_valid_from"),
        "price_fees",
        ["hub", "product", "valid_from"],
        unique=True,
    )


def downgrade() -> None:
    op.drop_table("price_fees")
