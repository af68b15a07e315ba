"""When an operator was first asked for a payment, which may have waited for people for days."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import Moment

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payments", sa.Column("asked_at", Moment(), nullable=True))


def downgrade() -> None:
    op.drop_column("payments", "asked_at")
