"""What staff are alerted of: raised and cleared once, and what is muted for a while."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_OPEN = "ix_staff_alerts_open"


def upgrade() -> None:
    op.create_table(
        "staff_alerts",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("rule", sa.String(length=24), nullable=False),
        sa.Column("about", sa.String(length=40), server_default="", nullable=False),
        sa.Column("figure", BigInt, nullable=False),
        sa.Column("state", sa.String(length=8), server_default="pending", nullable=False),
        sa.Column("first_seen_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("raised_at", Moment(), nullable=True),
        sa.Column("cleared_at", Moment(), nullable=True),
        sa.Column("told", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'raised', 'cleared')",
            name=op.f("ck_staff_alerts_state_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_alerts")),
    )
    only = sa.text("state <> 'cleared'")
    op.create_index(
        _OPEN,
        "staff_alerts",
        ["rule", "about"],
        unique=True,
        sqlite_where=only,
        postgresql_where=only,
    )
    op.create_table(
        "alert_mutes",
        sa.Column("rule", sa.String(length=24), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("rule", name=op.f("pk_alert_mutes")),
    )


def downgrade() -> None:
    op.drop_table("alert_mutes")
    op.drop_index(_OPEN, "staff_alerts")
    op.drop_table("staff_alerts")
