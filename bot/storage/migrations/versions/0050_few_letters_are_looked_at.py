"""What is due is found by its kind, a person's messages by the person; what left is emptied later.

`kind` stands before `due_at`: what waits for a webhook receiver that is off is in nobody's way.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import text

from bot.storage.schema.columns import BigInt

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_FULL = "state = 'sent' AND emptied = 0"
_NEW = (
    ("ix_outbox_contact_id", ["contact_id"], "contact_id IS NOT NULL"),
    ("ix_outbox_msisdn", ["msisdn"], "msisdn IS NOT NULL"),
    ("ix_outbox_full", ["done_at"], _FULL),
)
_SAID = {
    "sqlite": "json_extract(payload, '$.{}')",
    "postgresql": "payload->>'{}'",
}


def upgrade() -> None:
    op.add_column("outbox", sa.Column("contact_id", BigInt, nullable=True))
    op.add_column("outbox", sa.Column("msisdn", sa.String(length=16), nullable=True))
    op.add_column("outbox", sa.Column("emptied", sa.Integer(), server_default="0", nullable=False))
    said = _SAID[op.get_bind().dialect.name].format
    whose = f"COALESCE({said('contact_id')}, {said('about_contact')})"
    op.execute(
        f"UPDATE outbox SET contact_id = CAST({whose} AS BIGINT), msisdn = {said('msisdn')}, "  # noqa: S608  our own words
        f"lane = CASE WHEN kind = 'telegram' AND lane = '' "
        f"THEN COALESCE(CAST({said('chat_id')} AS VARCHAR(24)), '') ELSE lane END "
        "WHERE kind IN ('sms', 'telegram')"
    )
    for name, columns, where in _NEW:
        only = text(where)
        op.create_index(name, "outbox", columns, sqlite_where=only, postgresql_where=only)
    op.create_index("ix_outbox_state_kind_due_at_id", "outbox", ["state", "kind", "due_at", "id"])
    op.drop_index("ix_outbox_state_due_at", "outbox")
    op.create_index("ix_contacts_crop_district", "contacts", ["crop", "district"])


def downgrade() -> None:
    op.drop_index("ix_contacts_crop_district", "contacts")
    op.create_index("ix_outbox_state_due_at", "outbox", ["state", "due_at"])
    op.drop_index("ix_outbox_state_kind_due_at_id", "outbox")
    for name, _columns, _where in _NEW:
        op.drop_index(name, "outbox")
    for column in ("emptied", "msisdn", "contact_id"):
        op.drop_column("outbox", column)
