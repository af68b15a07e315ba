"""Staff take a chat over, the bot is silent meanwhile; what was said in it."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hand_overs",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("chat_id", BigInt, nullable=False),
        sa.Column("contact_id", BigInt, nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="waiting", nullable=False),
        sa.Column("owner", sa.String(length=40), server_default="", nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("moved_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'taken', 'ended')", name=op.f("ck_hand_overs_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_hand_overs_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_overs")),
    )
    open_one = sa.text("state <> 'ended'")
    op.create_index(
        "ix_hand_overs_open",
        "hand_overs",
        ["chat_id"],
        unique=True,
        sqlite_where=open_one,
        postgresql_where=open_one,
    )
    op.create_index(op.f("ix_hand_overs_contact_id"), "hand_overs", ["contact_id"])
    op.create_table(
        "hand_over_lines",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("hand_over_id", BigInt, nullable=False),
        sa.Column("who", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=40), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.CheckConstraint("who IN ('person', 'staff')", name=op.f("ck_hand_over_lines_who_known")),
        sa.ForeignKeyConstraint(
            ["hand_over_id"], ["hand_overs.id"], name=op.f("fk_hand_over_lines_hand_over_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over_lines")),
        sa.UniqueConstraint("key", name=op.f("uq_hand_over_lines_key")),
    )
    op.create_index(op.f("ix_hand_over_lines_hand_over_id"), "hand_over_lines", ["hand_over_id"])


def downgrade() -> None:
    op.drop_table("hand_over_lines")
    op.drop_table("hand_overs")
