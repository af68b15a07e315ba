"""Staff of the dashboard; whether a hop ended its call, and in which language it was."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = ("staff_attempts", "staff_sessions", "staff_codes", "staff_links", "staff")


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _row_id() -> sa.Column[Any]:
    return sa.Column("id", _number(), autoincrement=True, nullable=False)


def _moment(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_staff(table: str) -> tuple[sa.Column[Any], sa.ForeignKeyConstraint]:
    key = sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f(f"fk_{table}_staff_id"))
    return sa.Column("staff_id", _number(), nullable=False), key


def upgrade() -> None:
    op.create_table(
        "staff",
        _row_id(),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=2), server_default="rw", nullable=False),
        sa.Column("password_hash", sa.String(length=160), server_default="", nullable=False),
        sa.Column("totp_sealed", sa.String(length=200), server_default="", nullable=False),
        sa.Column("totp_step", _number(), server_default="0", nullable=False),
        sa.Column("demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _moment("created_at"),
        _moment("revoked_at", nullable=True),
        sa.CheckConstraint(
            "role IN ('viewer', 'agent', 'supervisor', 'finance', 'admin', 'auditor')",
            name=op.f("ck_staff_role_known"),
        ),
        sa.CheckConstraint("language IN ('rw', 'fr', 'en')", name=op.f("ck_staff_language_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_name")),
    )
    op.create_table(
        "staff_links",
        sa.Column("digest", sa.String(length=64), nullable=False),
        *_of_staff("staff_links"),
        _moment("until"),
        _moment("used_at", nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_staff_links")),
    )
    op.create_index(op.f("ix_staff_links_staff_id"), "staff_links", ["staff_id"])
    op.create_table(
        "staff_codes",
        _row_id(),
        *_of_staff("staff_codes"),
        sa.Column("digest", sa.String(length=64), nullable=False),
        _moment("used_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_codes")),
    )
    op.create_index(
        op.f("ix_staff_codes_staff_id_digest"), "staff_codes", ["staff_id", "digest"], unique=True
    )
    op.create_table(
        "staff_sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        *_of_staff("staff_sessions"),
        sa.Column("stage", sa.String(length=4), nullable=False),
        _moment("seen_at"),
        _moment("until"),
        sa.CheckConstraint("stage IN ('code', 'full')", name=op.f("ck_staff_sessions_stage_known")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_staff_sessions")),
    )
    op.create_index(op.f("ix_staff_sessions_staff_id"), "staff_sessions", ["staff_id"])
    op.create_table(
        "staff_attempts",
        _row_id(),
        sa.Column("who", sa.String(length=64), nullable=False),
        _moment("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_attempts")),
    )
    op.create_index(op.f("ix_staff_attempts_at"), "staff_attempts", ["at"])
    op.create_index(op.f("ix_staff_attempts_who_at"), "staff_attempts", ["who", "at"])
    op.create_index(op.f("ix_audit_actor_at"), "audit", ["actor", "at"])
    op.create_index(op.f("ix_tickets_state"), "tickets", ["state"])
    op.add_column(
        "transcripts", sa.Column("ends", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "transcripts",
        sa.Column("language", sa.String(length=2), server_default="", nullable=False),
    )


def downgrade() -> None:
    with op.batch_alter_table("transcripts", schema=None) as batch_op:
        batch_op.drop_column("language")
        batch_op.drop_column("ends")
    op.drop_index(op.f("ix_tickets_state"), "tickets")
    op.drop_index(op.f("ix_audit_actor_at"), "audit")
    for table in _TABLES:
        op.drop_table(table)
