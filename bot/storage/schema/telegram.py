"""Tables of Telegram: which account speaks for which number, and who was invited."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, String, Table, text

from bot.storage.schema.columns import BigInt, Moment, belongs_to, metadata, row_id

_CONFIRMED = text("confirmed_at IS NOT NULL AND ended_at IS NULL")
_WAITING = text("confirmed_at IS NULL AND ended_at IS NULL")

telegram_links = Table(
    "telegram_links",
    metadata,
    row_id(),
    # What ends is emptied, and its row stays: the number of a row names sessions, never twice.
    Column("user_id", BigInt, nullable=False),
    Column("chat_id", BigInt, nullable=False),
    Column("msisdn", String(16), nullable=False),
    # None while nobody is registered with the number.
    belongs_to("contact_id", "contacts", nullable=True, index=True),
    Column("language", String(2), nullable=False, server_default="rw"),
    Column("made_at", Moment, nullable=False),
    # A keyed digest of the code that waits to be typed on the phone.
    Column("code_digest", LargeBinary(16)),
    Column("code_until", Moment),
    Column("wrong_codes", Integer, nullable=False, server_default="0"),
    Column("confirmed_at", Moment),
    # Since when the account has blocked us, or was deleted.
    Column("blocked_at", Moment),
    Column("ended_at", Moment),
    # One account for a number and one number for an account, whoever asks at the same moment.
    Index(
        "ix_telegram_links_number",
        "msisdn",
        unique=True,
        sqlite_where=_CONFIRMED,
        postgresql_where=_CONFIRMED,
    ),
    Index(
        "ix_telegram_links_user",
        "user_id",
        unique=True,
        sqlite_where=_CONFIRMED,
        postgresql_where=_CONFIRMED,
    ),
    Index(
        "ix_telegram_links_waiting_number",
        "msisdn",
        unique=True,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    ),
    Index(
        "ix_telegram_links_waiting_user",
        "user_id",
        unique=True,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    ),
    CheckConstraint(
        "ended_at IS NOT NULL OR (user_id <> 0 AND msisdn <> '')", name="whose_is_known"
    ),
)

telegram_invites = Table(
    "telegram_invites",
    metadata,
    # Only a digest of the token is kept: who reads the table can use none.
    Column("digest", String(64), primary_key=True),
    # The number it is for, "" for anybody's; emptied when that person is erased.
    Column("msisdn", String(16), nullable=False, server_default=""),
    Column("made_by", String(40), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("until", Moment, nullable=False, index=True),
    Column("used_at", Moment),
    Column("used_by", BigInt, nullable=False, server_default="0", index=True),
)
