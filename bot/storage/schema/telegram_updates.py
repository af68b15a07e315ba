"""The table of what Telegram delivered: kept before it is acknowledged, applied once, in order."""

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    literal_column,
)

from bot.storage.schema.columns import BigInt, Moment, metadata, one_of, row_id

# Of a great many rows few wait or are parked: only these are in the indexes that find them. A query
# must say the state in these very words, or it goes through all rows.
WAITING: ColumnElement[bool] = literal_column("state = 'waiting'")
PARKED: ColumnElement[bool] = literal_column("state = 'parked'")

telegram_updates = Table(
    "telegram_updates",
    metadata,
    row_id(),
    # Telegram's own number, growing; none where nothing could be read.
    Column("update_id", BigInt, unique=True),
    # One chat is answered in order. 0 where there is none.
    Column("chat_id", BigInt, nullable=False),
    # The update as it came while it waits; once it is applied nothing of it is kept.
    Column("body", LargeBinary, nullable=False),
    Column("state", String(13), nullable=False),
    # What came of it: a type that is ignored, why it cannot be read, the last fault.
    Column("outcome", String(160), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease", String(40), nullable=False, server_default=""),
    Column("lease_until", Moment),
    # The message that shows the screen which answered it; 0 when that was a new message.
    Column("shown_in", BigInt),
    Column("received_at", Moment, nullable=False),
    Column("done_at", Moment),
    Index(
        "ix_telegram_updates_waiting",
        *("chat_id", "update_id"),
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    ),
    Index("ix_telegram_updates_parked", "id", sqlite_where=PARKED, postgresql_where=PARKED),
    Index(None, "chat_id", "update_id"),
    one_of("state", ("waiting", "applied", "ignored", "parked", "unprocessable")),
)
