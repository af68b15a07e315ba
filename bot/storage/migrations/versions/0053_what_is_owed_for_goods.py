"""What came to the collection point, which payouts are tried later, and tickets by their thing."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

_TICKETS = "ix_tickets_category_about"


def upgrade() -> None:
    op.create_index(_TICKETS, "tickets", ["category", "about", "state"])
    op.create_table(
        "received_parts",
        sa.Column("offer_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("weight_g", BigInt, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("weight_g > 0", name=op.f("ck_received_parts_weight_positive")),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_received_parts_offer_id")
        ),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_received_parts")),
    )
    op.create_table(
        "payout_tries",
        sa.Column("offer_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_payout_tries_offer_id")),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_payout_tries")),
    )


def downgrade() -> None:
    op.drop_table("payout_tries")
    op.drop_table("received_parts")
    op.drop_index(_TICKETS, "tickets")
