"""Since when news that may wait is not sent to a person, who said so, and why; tags on calls."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import Moment

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

_BEFORE = "act IN ('taken', 'given', 'line', 'sms', 'end', 'call_back')"
_SINCE = "act IN ('taken', 'given', 'line', 'sms', 'end', 'call_back', 'tagged', 'untagged')"


def upgrade() -> None:
    with op.batch_alter_table("news_wishes") as batch:
        batch.add_column(sa.Column("muted_since", Moment(), nullable=True))
        batch.add_column(sa.Column("muted_by", sa.String(40), server_default="", nullable=False))
        batch.add_column(sa.Column("muted_why", sa.String(160), server_default="", nullable=False))
    _let_acts_be(_SINCE)


def downgrade() -> None:
    op.execute("DELETE FROM call_acts WHERE act IN ('tagged', 'untagged')")
    _let_acts_be(_BEFORE)
    with op.batch_alter_table("news_wishes") as batch:
        batch.drop_column("muted_why")
        batch.drop_column("muted_by")
        batch.drop_column("muted_since")


def _let_acts_be(which: str) -> None:
    name = op.f("ck_call_acts_act_known")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(name, "call_acts", type_="check")
        op.create_check_constraint(name, "call_acts", which)
        return
    # A copy of the table is made there, without the checks it had.
    with op.batch_alter_table("call_acts", recreate="always") as batch:
        batch.create_check_constraint(name, which)
