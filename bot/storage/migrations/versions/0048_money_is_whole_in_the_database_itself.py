"""Money is whole, and in a known currency, in the database itself."""

from alembic import op

from bot.storage.money_guards import guard, unguard

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard(op.get_bind())


def downgrade() -> None:
    unguard(op.get_bind())
