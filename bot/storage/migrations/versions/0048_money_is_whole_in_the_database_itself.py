"""Money is whole, and in a known currency, in the database itself; what is held of one is found."""

import sqlalchemy as sa
from alembic import op

from bot.storage.money_guards import guard, unguard

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


_TOKENS, _SUBJECTS = "ix_inbox_token", "ix_audit_subject"


def upgrade() -> None:
    guard(op.get_bind())
    theirs = sa.text("token <> ''")
    op.create_index(_TOKENS, "inbox", ["token"], sqlite_where=theirs, postgresql_where=theirs)
    op.create_index(_SUBJECTS, "audit", ["subject"])


def downgrade() -> None:
    op.drop_index(_SUBJECTS, "audit")
    op.drop_index(_TOKENS, "inbox")
    unguard(op.get_bind())
