"""Which Telegram account speaks for which number, invitations, and owners that are no number."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CONFIRMED = "confirmed_at IS NOT NULL AND ended_at IS NULL"
_WAITING = "confirmed_at IS NULL AND ended_at IS NULL"
_INDEXES = (
    ("ix_telegram_links_number", "msisdn", _CONFIRMED),
    ("ix_telegram_links_user", "user_id", _CONFIRMED),
    ("ix_telegram_links_waiting_number", "msisdn", _WAITING),
    ("ix_telegram_links_waiting_user", "user_id", _WAITING),
)


def upgrade() -> None:
    op.create_table(
        "telegram_links",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("user_id", BigInt, nullable=False),
        sa.Column("chat_id", BigInt, nullable=False),
        sa.Column("msisdn", sa.String(length=16), nullable=False),
        sa.Column("contact_id", BigInt, nullable=True),
        sa.Column("language", sa.String(length=2), server_default="rw", nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("code_until", Moment(), nullable=True),
        sa.Column("wrong_codes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.Column("blocked_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "ended_at IS NOT NULL OR (user_id <> 0 AND msisdn <> '')",
            name=op.f("ck_telegram_links_whose_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_telegram_links_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telegram_links")),
    )
    op.create_index(op.f("ix_telegram_links_contact_id"), "telegram_links", ["contact_id"])
    for name, column, which in _INDEXES:
        where = sa.text(which)
        op.create_index(
            name,
            "telegram_links",
            [column],
            unique=True,
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_table(
        "telegram_invites",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("msisdn", sa.String(length=16), server_default="", nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.Column("used_by", BigInt, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_telegram_invites")),
    )
    op.create_index(op.f("ix_telegram_invites_until"), "telegram_invites", ["until"])
    op.create_index(op.f("ix_telegram_invites_used_by"), "telegram_invites", ["used_by"])
    _owners(16, 24)


def downgrade() -> None:
    # What has no number stands for a call that nobody can go on with on the older tables.
    op.execute("DELETE FROM hops WHERE owner LIKE 'tg:%'")
    op.execute("UPDATE transcripts SET owner = '' WHERE owner LIKE 'tg:%'")
    _owners(24, 16)
    op.drop_table("telegram_invites")
    op.drop_table("telegram_links")


def _owners(before: int, after: int) -> None:
    for table in ("hops", "transcripts"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column(
                "owner",
                existing_type=sa.String(length=before),
                type_=sa.String(length=after),
                existing_nullable=False,
            )
