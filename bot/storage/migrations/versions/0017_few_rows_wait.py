"""What waits is found by indexes of its own, so that the many rows that wait no more cost little."""

from alembic import op
from sqlalchemy import text

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_UPDATES = "telegram_updates"
_NEW = (
    ("ix_outbox_via", "outbox", ["via", "state"], "via <> ''"),
    ("ix_telegram_updates_waiting", _UPDATES, ["chat_id", "update_id"], "state = 'waiting'"),
    ("ix_telegram_updates_parked", _UPDATES, ["id"], "state = 'parked'"),
)
_OLD = (
    ("ix_outbox_via_state", "outbox", ["via", "state"]),
    ("ix_telegram_updates_received_at", _UPDATES, ["received_at"]),
    ("ix_telegram_updates_state_chat_id_update_id", _UPDATES, ["state", "chat_id", "update_id"]),
)


def upgrade() -> None:
    for name, table, columns, where in _NEW:
        only = text(where)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)
    for name, table, _columns in _OLD:
        op.drop_index(name, table)


def downgrade() -> None:
    for name, table, columns in _OLD:
        op.create_index(name, table, columns)
    for name, table, _columns, _where in _NEW:
        op.drop_index(name, table)
