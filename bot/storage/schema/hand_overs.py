"""The tables of chats that staff have taken, or are to take, and of what was said there."""

from sqlalchemy import Column, ColumnElement, Index, String, Table, Text, literal_column

from bot.storage.schema.columns import BigInt, Moment, belongs_to, metadata, one_of, row_id

# A query must say it in these very words, or it goes through all rows.
OPEN: ColumnElement[bool] = literal_column("state <> 'ended'")

hand_overs = Table(
    "hand_overs",
    metadata,
    row_id(),
    Column("chat_id", BigInt, nullable=False),
    belongs_to("contact_id", "contacts", nullable=True, index=True),
    Column("language", String(2), nullable=False),
    Column("state", String(8), nullable=False, server_default="waiting"),
    # Whose it is: the name of a member of staff, "" while it waits.
    Column("owner", String(40), nullable=False, server_default=""),
    Column("opened_at", Moment, nullable=False),
    # When staff last wrote or took it: left alone by them for long, it goes back to the bot.
    Column("moved_at", Moment, nullable=False),
    Column("ended_at", Moment),
    # Of one chat there is one at a time.
    Index("ix_hand_overs_open", "chat_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
    one_of("state", ("waiting", "taken", "ended")),
)

hand_over_lines = Table(
    "hand_over_lines",
    metadata,
    row_id(),
    belongs_to("hand_over_id", "hand_overs", index=True),
    Column("who", String(8), nullable=False),
    # Of staff their name; a person has none here.
    Column("name", String(40), nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column("at", Moment, nullable=False),
    # The update or the form that brought it: it is there once.
    Column("key", String(64), nullable=False, unique=True),
    one_of("who", ("person", "staff")),
)
