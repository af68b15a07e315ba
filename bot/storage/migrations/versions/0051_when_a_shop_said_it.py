"""When a shop said it, by its own clock: a message may come late, or once more."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import Moment

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("hub_events") as batch:
        batch.add_column(sa.Column("said_at", Moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("hub_events") as batch:
        batch.drop_column("said_at")
