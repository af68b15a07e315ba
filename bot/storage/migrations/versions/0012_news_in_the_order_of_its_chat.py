"""News to a chat leaves in order, and one process at a time sends it."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "outbox", sa.Column("lane", sa.String(length=24), server_default="", nullable=False)
    )
    op.create_index("ix_outbox_kind_state_lane", "outbox", ["kind", "state", "lane"])
    op.create_table(
        "turns",
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column("holder", sa.String(length=40), server_default="", nullable=False),
        sa.Column("until", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("what", name=op.f("pk_turns")),
    )


def downgrade() -> None:
    op.drop_table("turns")
    op.drop_index("ix_outbox_kind_state_lane", "outbox")
    op.drop_column("outbox", "lane")
