"""A number's tickets are found by the number even when thousands are open."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_tickets_msisdn", "tickets")
    op.create_index("ix_tickets_msisdn", "tickets", ["msisdn", "category", "state"])


def downgrade() -> None:
    op.drop_index("ix_tickets_msisdn", "tickets")
    op.create_index("ix_tickets_msisdn", "tickets", ["msisdn"])
