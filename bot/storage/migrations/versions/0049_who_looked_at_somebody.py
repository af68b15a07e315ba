"""The audit is asked who looked at one person: an index finds those lines."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_INDEX = "ix_audit_subject_action"


def upgrade() -> None:
    op.create_index(_INDEX, "audit", ["subject", "action"])


def downgrade() -> None:
    op.drop_index(_INDEX, "audit")
