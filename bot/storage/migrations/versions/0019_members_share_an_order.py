"""Members of a co-operative share an order: who is asked, who gives how much, until when."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "members",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("cooperative_id", BigInt, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("joined_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["contacts.id"], name=op.f("fk_members_cooperative_id")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_members_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_contact_id"), "members", ["contact_id"])
    op.create_index(
        op.f("ix_members_cooperative_id_contact_id"),
        "members",
        ["cooperative_id", "contact_id"],
        unique=True,
    )
    op.create_table(
        "splits",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("cooperative_id", BigInt, nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("answer_by", Moment(), nullable=False),
        sa.Column("chat_id", BigInt, server_default="0", nullable=False),
        sa.Column("message_id", BigInt, server_default="0", nullable=False),
        sa.CheckConstraint(
            "reserved >= 0 AND reserved <= needed", name=op.f("ck_splits_never_overcommitted")
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_splits_offer_id")),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["contacts.id"], name=op.f("fk_splits_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_splits")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_splits_offer_id")),
    )
    op.create_index(op.f("ix_splits_cooperative_id"), "splits", ["cooperative_id"])
    _create_shares()


def _create_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("split_id", BigInt, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("state", sa.String(length=12), server_default="asked", nullable=False),
        sa.Column("units", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("held_until", Moment(), nullable=True),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'held', 'brought', 'declined', 'lapsed')",
            name=op.f("ck_shares_state_known"),
        ),
        sa.CheckConstraint("units >= 0", name=op.f("ck_shares_units_counted")),
        sa.ForeignKeyConstraint(["split_id"], ["splits.id"], name=op.f("fk_shares_split_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_shares_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
    )
    op.create_index(op.f("ix_shares_contact_id"), "shares", ["contact_id"])
    op.create_index(
        op.f("ix_shares_split_id_contact_id"), "shares", ["split_id", "contact_id"], unique=True
    )
    op.create_index(op.f("ix_shares_state_held_until"), "shares", ["state", "held_until"])


def downgrade() -> None:
    op.drop_table("shares")
    op.drop_table("splits")
    op.drop_table("members")
