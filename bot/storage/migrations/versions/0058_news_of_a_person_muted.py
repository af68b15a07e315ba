"""Since when news that may wait is not sent to a person, who said so, and why."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import Moment

revision = "0058"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("news_wishes") as batch:
        batch.add_column(sa.Column("muted_since", Moment(), nullable=True))
        batch.add_column(sa.Column("muted_by", sa.String(40), server_default="", nullable=False))
        batch.add_column(sa.Column("muted_why", sa.String(160), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("news_wishes") as batch:
        batch.drop_column("muted_why")
        batch.drop_column("muted_by")
        batch.drop_column("muted_since")
