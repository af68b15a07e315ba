"""The audit takes lines and lets none be changed or removed; a chain of digests seals it."""

import sqlalchemy as sa
from alembic import op

from bot.storage.append_only import leave, protect, protect_more
from bot.storage.schema.columns import BigInt

revision = "0035"
down_revision = "0030"
branch_labels = None
depends_on = None

_TABLES = ("audit", "audit_seals")


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("audit_id", BigInt, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_seals_audit_id")),
    )
    db = op.get_bind()
    protect(db, _TABLES)
    protect_more(db, _TABLES)


def downgrade() -> None:
    db = op.get_bind()
    leave(db, _TABLES)
    for table in _TABLES:
        for verb in ("update", "delete"):
            on = f" ON {table}" if db.dialect.name == "postgresql" else ""
            db.exec_driver_sql(f"DROP TRIGGER {table}_no_{verb}{on}")
    op.drop_table("audit_seals")
