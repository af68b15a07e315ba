"""How often in a row an order could not be looked at; when a receiver's failure was last counted."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import Moment

revision = "0045"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "reviews", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("subscriptions", sa.Column("failed_at", Moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("subscriptions") as batch:
        batch.drop_column("failed_at")
    with op.batch_alter_table("reviews") as batch:
        batch.drop_column("attempts")
