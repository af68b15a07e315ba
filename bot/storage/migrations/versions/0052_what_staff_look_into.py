"""Each try of a webhook and each question to an operator; where staff were; their notes and views."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Json, Moment

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_tries",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("letter_id", BigInt, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=160), server_default="", nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.Column("next_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_tries")),
    )
    op.create_index(op.f("ix_webhook_tries_letter_id"), "webhook_tries", ["letter_id"])
    op.create_index(op.f("ix_webhook_tries_at"), "webhook_tries", ["at"])
    op.create_table(
        "payment_talks",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("payment_id", BigInt, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=160), server_default="", nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.CheckConstraint("what IN ('ask', 'look_up')", name=op.f("ck_payment_talks_what_known")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_talks_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_talks")),
    )
    op.create_index(op.f("ix_payment_talks_payment_id"), "payment_talks", ["payment_id"])
    unmatched = sa.text("outcome = 'unmatched'")
    op.create_index(
        "ix_inbox_unmatched",
        "inbox",
        ["id"],
        sqlite_where=unmatched,
        postgresql_where=unmatched,
    )
    # Not by a batch, which would make the table anew and lose what guards it.
    for name, length in (("ip", 45), ("session", 12)):
        op.add_column(
            "audit",
            sa.Column(name, sa.String(length=length), server_default="", nullable=False),
        )
    op.create_table(
        "person_notes",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("text", sa.String(length=320), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_person_notes_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_notes")),
    )
    op.create_index(op.f("ix_person_notes_contact_id"), "person_notes", ["contact_id"])
    op.create_table(
        "saved_views",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("staff_id", BigInt, nullable=False),
        sa.Column("page", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("query", sa.String(length=400), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_saved_views_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index(
        op.f("ix_saved_views_staff_id_page_name"),
        "saved_views",
        ["staff_id", "page", "name"],
        unique=True,
    )

    op.create_table(
        "fee_changes",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("hub", sa.String(length=16), nullable=False),
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("fees", Json, nullable=False),
        sa.Column("asked_by", sa.String(length=40), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("ended_by", sa.String(length=40), server_default="", nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("outcome", sa.String(length=12), server_default="", nullable=False),
        sa.CheckConstraint(
            "outcome <> 'approved' OR ended_by <> asked_by", name=op.f("ck_fee_changes_two_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_changes")),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_fee_changes_open",
        "fee_changes",
        ["hub", "product", "valid_from"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def downgrade() -> None:
    op.drop_table("fee_changes")
    op.drop_index("ix_inbox_unmatched", "inbox")
    for table in ("saved_views", "person_notes", "payment_talks", "webhook_tries"):
        op.drop_table(table)
    for name in ("session", "ip"):
        op.drop_column("audit", name)
