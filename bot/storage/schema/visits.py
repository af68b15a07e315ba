"""Tables of visits: what guests ask of a host."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, text

from bot.storage.schema.columns import Francs, Moment, belongs_to, metadata, one_of, row_id

BOOKING_STATES = ("requested", "accepted", "declined", "date_asked", "expired", "withdrawn")
_TAKEN = text("state = 'accepted'")

bookings = Table(
    "bookings",
    metadata,
    row_id(),
    Column("hub", String(16), nullable=False, server_default="rw"),
    Column("code", String(16), nullable=False, unique=True),
    belongs_to("contact_id", "contacts"),
    Column("experience", String(24), nullable=False),
    Column("guests", Integer, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("amount_rwf", Francs, nullable=False),
    Column("state", String(16), nullable=False, server_default="requested"),
    # Goes up with every change; an answer carries the version that the host saw.
    Column("version", Integer, nullable=False, server_default="1"),
    Column("proposed_at", Moment),
    Column("answer_by", Moment, nullable=False),
    Column("answered_at", Moment),
    Index(None, "contact_id", "state"),
    # Two requests for one slot cannot both be accepted.
    Index(
        "ix_bookings_taken",
        "contact_id",
        "starts_at",
        unique=True,
        sqlite_where=_TAKEN,
        postgresql_where=_TAKEN,
    ),
    one_of("state", BOOKING_STATES),
    CheckConstraint("guests > 0 AND amount_rwf > 0", name="amounts_positive"),
)
