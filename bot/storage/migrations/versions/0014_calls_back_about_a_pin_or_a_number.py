"""A call back that two on the staff agree about may be about a number's owner, not only a PIN."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COLUMNS = "contact_id, ticket_id, asked_by, asked_at, approved_by, approved_at"


def upgrade() -> None:
    _create("call_backs")
    op.execute(
        f"INSERT INTO call_backs ({_COLUMNS}) SELECT {_COLUMNS} FROM pin_resets ORDER BY id"  # noqa: S608
    )
    op.drop_table("pin_resets")


def downgrade() -> None:
    _create("pin_resets")
    about_pins = "ticket_id IN (SELECT id FROM tickets WHERE category = 'pin_forgotten')"
    op.execute(
        f"INSERT INTO pin_resets ({_COLUMNS}) "  # noqa: S608
        f"SELECT {_COLUMNS} FROM call_backs WHERE {about_pins} ORDER BY id"
    )
    op.drop_table("call_backs")


def _create(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("ticket_id", BigInt, nullable=False),
        sa.Column("asked_by", BigInt, nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("approved_by", BigInt, nullable=True),
        sa.Column("approved_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> asked_by", name=op.f(f"ck_{name}_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f(f"fk_{name}_contact_id")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f(f"fk_{name}_ticket_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f(f"fk_{name}_asked_by")),
        sa.ForeignKeyConstraint(["approved_by"], ["staff.id"], name=op.f(f"fk_{name}_approved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("ticket_id", name=op.f(f"uq_{name}_ticket_id")),
    )
    op.create_index(op.f(f"ix_{name}_contact_id"), name, ["contact_id"])
