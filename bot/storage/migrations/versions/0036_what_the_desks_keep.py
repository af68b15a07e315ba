"""Exports with their links, what waits for a second person, what reconciliations came to."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Json, Moment

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("staff_id", BigInt, nullable=False),
        sa.Column("session_digest", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("filters", Json, nullable=False),
        sa.Column("reason", sa.String(length=160), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_exports_staff_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_exports")),
    )
    op.create_index(op.f("ix_exports_until"), "exports", ["until"])
    op.create_table(
        "proposals",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("reason", sa.String(length=320), nullable=False),
        sa.Column("asked_by", BigInt, nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("ended_by", BigInt, nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("outcome", sa.String(length=12), server_default="", nullable=False),
        sa.CheckConstraint(
            "outcome <> 'done' OR ended_by <> asked_by", name=op.f("ck_proposals_two_people")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_proposals_asked_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["staff.id"], name=op.f("fk_proposals_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_proposals_open",
        "proposals",
        ["kind", "subject"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kinds", Json, nullable=False),
        sa.Column("there_rwf", BigInt, nullable=False),
        sa.Column("here_rwf", BigInt, nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )


def downgrade() -> None:
    for table in ("reconciliations", "proposals", "exports"):
        op.drop_table(table)
