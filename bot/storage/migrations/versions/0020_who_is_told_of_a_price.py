"""Who wants to be told when the price of a product is above a figure."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_alerts",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("above_rwf", BigInt, nullable=False),
        sa.Column("after_price_id", BigInt, nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.CheckConstraint("above_rwf > 0", name=op.f("ck_price_alerts_above_positive")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_price_alerts_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_alerts")),
    )
    op.create_index(
        op.f("ix_price_alerts_contact_id_product"),
        "price_alerts",
        ["contact_id", "product"],
        unique=True,
    )
    op.create_index(op.f("ix_price_alerts_product"), "price_alerts", ["product"])


def downgrade() -> None:
    op.drop_table("price_alerts")
