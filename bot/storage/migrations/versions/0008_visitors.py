"""Requests of visitors, and the host's answer."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("hub", sa.String(length=16), server_default="rw", nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("experience", sa.String(length=24), nullable=False),
        sa.Column("guests", sa.Integer(), nullable=False),
        sa.Column("starts_at", Moment(), nullable=False),
        sa.Column("amount_rwf", BigInt, nullable=False),
        sa.Column("state", sa.String(length=16), server_default="requested", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("proposed_at", Moment(), nullable=True),
        sa.Column("answer_by", Moment(), nullable=False),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "guests > 0 AND amount_rwf > 0", name=op.f("ck_bookings_amounts_positive")
        ),
        sa.CheckConstraint(
            "state IN ('requested', 'accepted', 'declined', 'date_asked', 'expired', 'withdrawn')",
            name=op.f("ck_bookings_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_bookings_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("code", name=op.f("uq_bookings_code")),
    )
    op.create_index(op.f("ix_bookings_contact_id_state"), "bookings", ["contact_id", "state"])
    taken = sa.text("state = 'accepted'")
    op.create_index(
        "ix_bookings_taken",
        "bookings",
        ["contact_id", "starts_at"],
        unique=True,
        sqlite_where=taken,
        postgresql_where=taken,
    )


def downgrade() -> None:
    op.drop_table("bookings")
