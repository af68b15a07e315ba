"""Tables of the chat: which account on Telegram belongs to which person."""

from sqlalchemy import Column, String, Table

from bot.storage.schema.columns import BigInt, Moment, belongs_to, metadata, row_id

telegram_links = Table(
    "telegram_links",
    metadata,
    row_id(),
    Column("user_id", BigInt, nullable=False, index=True),
    Column("chat_id", BigInt, nullable=False),
    Column("msisdn", String(16), nullable=False),
    belongs_to("contact_id", "contacts", index=True),
    Column("made_at", Moment, nullable=False),
    Column("confirmed_at", Moment),
    Column("blocked_at", Moment),
    Column("ended_at", Moment),
)
