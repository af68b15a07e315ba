"""Tables of people: who they are, what they agreed to, and their PIN."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    text,
)

from bot.storage.schema.columns import Moment, belongs_to, metadata, one_of, row_id

contacts = Table(
    "contacts",
    metadata,
    row_id(),
    Column("hub", String(16), nullable=False, server_default="rw"),
    # Erasing a person empties these; orders and payments keep the row's number only. Somebody whose
    # number is another's by now has none, and is not erased: what is due to them is kept.
    Column("msisdn", String(16), unique=True),
    Column("names", String(80), nullable=False, server_default=""),
    Column("district", String(40), nullable=False, server_default=""),
    Column("language", String(2), nullable=False, server_default="rw"),
    Column("role", String(16), nullable=False, server_default="farmer"),
    Column("crop", String(24), nullable=False, server_default=""),
    Column("shared_phone", Boolean, nullable=False, server_default=text("false")),
    Column("wallet", String(16), nullable=False, server_default=""),
    # Who serves that wallet, where a gateway or a person said so; "" leaves it to the prefix.
    Column("wallet_provider", String(16), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("erased_at", Moment),
    # The day of the last call, in days since 1970; 0 where none is known.
    Column("seen_day", Integer, nullable=False, server_default="0"),
    # Set while it must be found out who now holds the number.
    Column("verify_since", Moment),
    # Who can supply an order: those of its crop, and first those of its district.
    Index(None, "crop", "district"),
    one_of("language", ("rw", "fr", "en")),
    one_of("role", ("farmer", "crafts", "cooperative", "host")),
)

wallet_changes = Table(
    "wallet_changes",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts"),
    # Both numbers are emptied when the person is erased; that there was a change stays.
    Column("before", String(16), nullable=False),
    Column("after", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "contact_id", "at"),
)

# Whoever has no row has news where they were last, and the hub's own quiet hours.
news_wishes = Table(
    "news_wishes",
    metadata,
    belongs_to("contact_id", "contacts", primary_key=True),
    Column("way", String(8), nullable=False, server_default="last"),
    # On the hub's clock; the same hour twice is never.
    Column("quiet_from", Integer),
    Column("quiet_until", Integer),
    # While this is set nothing that may wait is sent; staff said so, and why.
    Column("muted_since", Moment),
    Column("muted_by", String(40), nullable=False, server_default=""),
    Column("muted_why", String(160), nullable=False, server_default=""),
    one_of("way", ("last", "sms", "chat")),
)

consents = Table(
    "consents",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts", index=True),
    Column("text_version", String(24), nullable=False),
    Column("language", String(2), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("given_at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
)

pins = Table(
    "pins",
    metadata,
    belongs_to("contact_id", "contacts", primary_key=True),
    Column("hash", String(160), nullable=False),
    Column("set_at", Moment, nullable=False),
    Column("wrong_in_a_row", Integer, nullable=False, server_default="0"),
    Column("locked_until", Moment),
    # Since when it is locked: who was called back before that was not asked about this lock.
    Column("locked_at", Moment),
    # Two members of staff have reset it, and the hash is "reset": its owner may choose another
    # until then.
    Column("reset_until", Moment),
)

call_backs = Table(
    "call_backs",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts", index=True),
    # What the person was called about: a PIN, or a new owner of the number. One call for each.
    belongs_to("ticket_id", "tickets", unique=True),
    # Members of staff: who called the person, and who else looked at it.
    belongs_to("asked_by", "staff"),
    Column("asked_at", Moment, nullable=False),
    belongs_to("approved_by", "staff", nullable=True),
    Column("approved_at", Moment),
    CheckConstraint("approved_by IS NULL OR approved_by <> asked_by", name="two_people"),
)

pin_failures = Table(
    "pin_failures",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts"),
    # The hop that failed: sent again, it is not a second failure.
    Column("hop_key", LargeBinary(16), nullable=False, unique=True),
    # All mistakes of a while are counted together too.
    Column("at", Moment, nullable=False, index=True),
    Index(None, "contact_id", "at"),
)

lesson_progress = Table(
    "lesson_progress",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts"),
    Column("lesson", String(32), nullable=False),
    Column("page", Integer, nullable=False),
    Column("score", Integer),
    Column("at", Moment, nullable=False),
    Index(None, "contact_id", "lesson", unique=True),
)

tickets = Table(
    "tickets",
    metadata,
    row_id(),
    Column("code", String(12), nullable=False, unique=True),
    belongs_to("contact_id", "contacts", nullable=True, index=True),
    # Kept only to call back someone who asked for it; emptied when the ticket is closed.
    Column("msisdn", String(16), nullable=False),
    Column("category", String(24), nullable=False),
    Column("about", String(40), nullable=False, server_default=""),
    Column("text", String(320), nullable=False, server_default=""),
    Column("language", String(2), nullable=False),
    Column("state", String(16), nullable=False, server_default="open", index=True),
    Column("opened_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("closed_at", Moment),
    one_of("state", ("open", "taken", "closed")),
    # With the state in it: by the state alone SQLite would go through all that are open.
    Index("ix_tickets_msisdn", "msisdn", "category", "state"),
    # Whether something has its ticket is asked for each payment that nobody knows.
    Index("ix_tickets_category_about", "category", "about", "state"),
)
