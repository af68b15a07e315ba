"""Tables of co-operatives: who belongs to one, and an order that its members share."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table

from bot.storage.schema.columns import BigInt, Moment, belongs_to, metadata, one_of, row_id

members = Table(
    "members",
    metadata,
    row_id(),
    belongs_to("cooperative_id", "contacts"),
    belongs_to("contact_id", "contacts", index=True),
    Column("joined_at", Moment, nullable=False),
    Index(None, "cooperative_id", "contact_id", unique=True),
)

splits = Table(
    "splits",
    metadata,
    row_id(),
    belongs_to("offer_id", "offers", unique=True),
    belongs_to("cooperative_id", "contacts", index=True),
    # Whole kilograms or pieces, as the product is sold.
    Column("needed", Integer, nullable=False),
    Column("reserved", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("asked_at", Moment, nullable=False),
    Column("answer_by", Moment, nullable=False),
    # The message in the co-operative's chat that shows how far it is; 0 where there is none.
    Column("chat_id", BigInt, nullable=False, server_default="0"),
    Column("message_id", BigInt, nullable=False, server_default="0"),
    CheckConstraint("reserved >= 0 AND reserved <= needed", name="never_overcommitted"),
)

shares = Table(
    "shares",
    metadata,
    row_id(),
    belongs_to("split_id", "splits"),
    belongs_to("contact_id", "contacts", index=True),
    Column("state", String(12), nullable=False, server_default="asked"),
    Column("units", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    # What is not brought by then is free for others again.
    Column("held_until", Moment),
    Column("changed_at", Moment, nullable=False),
    Index(None, "split_id", "contact_id", unique=True),
    Index(None, "state", "held_until"),
    one_of("state", ("asked", "held", "brought", "declined", "lapsed")),
    CheckConstraint("units >= 0", name="units_counted"),
)
