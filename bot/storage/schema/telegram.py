"""Tables of the chat: which account on Telegram belongs to which person."""

from sqlalchemy import Boolean, Column, String, Table, text

from bot.storage.schema.columns import BigInt, Moment, belongs_to, metadata, row_id

telegram_links = Table(
    "telegram_links",
    metadata,
    row_id(),
    Column("user_id", BigInt, nullable=False, index=True),
    Column("chat_id", BigInt, nullable=False),
    Column("msisdn", String(16), nullable=False),
    belongs_to("contact_id", "contacts", index=True),
    Column("confirmed", Boolean, nullable=False, server_default=text("false")),
    Column("blocked_at", Moment),
    Column("made_at", Moment, nullable=False),
    Column("ended_at", Moment),
)
