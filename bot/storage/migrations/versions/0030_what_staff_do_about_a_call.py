"""What staff did in a call that goes on, and how each try to call somebody back went."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0030"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_acts",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("session_key", sa.String(length=160), nullable=False),
        sa.Column("owner", sa.String(length=24), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("staff_id", BigInt, nullable=False),
        sa.Column("text", sa.String(length=320), server_default="", nullable=False),
        sa.Column("hop", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint(
            "act IN ('taken', 'given', 'line', 'sms', 'end', 'call_back')",
            name=op.f("ck_call_acts_act_known"),
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_call_acts_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_acts")),
    )
    op.create_index(op.f("ix_call_acts_session_key_id"), "call_acts", ["session_key", "id"])
    op.create_index(op.f("ix_call_acts_owner"), "call_acts", ["owner"])
    op.create_index(op.f("ix_call_acts_at"), "call_acts", ["at"])
    op.create_table(
        "call_tries",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("ticket_id", BigInt, nullable=False),
        sa.Column("staff_id", BigInt, nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('reached', 'no_answer', 'wrong_person', 'solved')",
            name=op.f("ck_call_tries_outcome_known"),
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_call_tries_ticket_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_call_tries_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_tries")),
    )
    op.create_index(op.f("ix_call_tries_ticket_id"), "call_tries", ["ticket_id"])


def downgrade() -> None:
    op.drop_table("call_tries")
    op.drop_table("call_acts")
