"""A callback for nobody keeps the token of its path, so that it is known when its payment appears."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_INDEX = "ix_inbox_orphan"


def upgrade() -> None:
    op.add_column(
        "inbox", sa.Column("token", sa.String(length=64), server_default="", nullable=False)
    )
    only = sa.text("outcome = 'orphan'")
    op.create_index(_INDEX, "inbox", ["id"], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    op.drop_index(_INDEX, "inbox")
    op.drop_column("inbox", "token")
