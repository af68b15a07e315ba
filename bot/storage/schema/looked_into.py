"""Tables of what staff look into and keep: tries, questions to operators, notes, views."""

from sqlalchemy import Column, Index, Integer, String, Table

from bot.storage.schema.columns import BigInt, Moment, belongs_to, metadata, one_of, row_id

# Each time a webhook was sent: the outbox keeps the last one only.
webhook_tries = Table(
    "webhook_tries",
    metadata,
    row_id(),
    Column("letter_id", BigInt, nullable=False, index=True),
    # Also the moment that was signed.
    Column("at", Moment, nullable=False, index=True),
    # 0 where nobody answered.
    Column("status", Integer, nullable=False),
    Column("why", String(160), nullable=False, server_default=""),
    Column("took_ms", Integer, nullable=False),
    # How many secrets signed it.
    Column("signatures", Integer, nullable=False),
    # When it is tried again, if it is.
    Column("next_at", Moment),
)

# Each question to an operator about a payment, and what it answered.
payment_talks = Table(
    "payment_talks",
    metadata,
    row_id(),
    belongs_to("payment_id", "payments", index=True),
    Column("at", Moment, nullable=False),
    Column("what", String(8), nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("reason", String(160), nullable=False, server_default=""),
    Column("took_ms", Integer, nullable=False),
    one_of("what", ("ask", "look_up")),
)

# What staff must know of a person the next time.
person_notes = Table(
    "person_notes",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts", index=True),
    Column("by", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    Column("text", String(320), nullable=False),
)

# A list as a member of staff narrowed it, under a name of theirs.
saved_views = Table(
    "saved_views",
    metadata,
    row_id(),
    belongs_to("staff_id", "staff"),
    Column("page", String(24), nullable=False),
    Column("name", String(40), nullable=False),
    Column("query", String(400), nullable=False),
    Column("made_at", Moment, nullable=False),
    Index(None, "staff_id", "page", "name", unique=True),
)
