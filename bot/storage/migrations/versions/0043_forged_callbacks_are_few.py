"""Forged callbacks are counted for an alert, over all processes: an index holds only them."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_INDEX = "ix_inbox_forged"


def upgrade() -> None:
    only = sa.text("substr(outcome, 1, 7) = 'forged:'")
    op.create_index(_INDEX, "inbox", ["id"], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    op.drop_index(_INDEX, "inbox")
