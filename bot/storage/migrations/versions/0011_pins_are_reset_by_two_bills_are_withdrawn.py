"""A PIN is reset by two members of staff; since when it is locked; a bill may be withdrawn."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pin_resets",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("ticket_id", BigInt, nullable=False),
        sa.Column("asked_by", BigInt, nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("approved_by", BigInt, nullable=True),
        sa.Column("approved_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> asked_by",
            name=op.f("ck_pin_resets_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_pin_resets_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_pin_resets_ticket_id")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_pin_resets_asked_by")),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["staff.id"], name=op.f("fk_pin_resets_approved_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pin_resets")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_pin_resets_ticket_id")),
    )
    op.create_index(op.f("ix_pin_resets_contact_id"), "pin_resets", ["contact_id"])
    op.add_column("pins", sa.Column("locked_at", Moment(), nullable=True))
    op.add_column("pins", sa.Column("reset_until", Moment(), nullable=True))
    op.add_column("bills", sa.Column("withdrawn_at", Moment(), nullable=True))


def downgrade() -> None:
    # The version before would ask for them again; in the ledger they cancel out.
    gone = "SELECT id FROM bills WHERE withdrawn_at IS NOT NULL"
    op.execute(f"UPDATE payments SET bill_id = NULL WHERE bill_id IN ({gone})")  # noqa: S608
    op.execute("DELETE FROM bills WHERE withdrawn_at IS NOT NULL")
    op.drop_column("bills", "withdrawn_at")
    op.drop_column("pins", "reset_until")
    op.drop_column("pins", "locked_at")
    op.drop_table("pin_resets")
