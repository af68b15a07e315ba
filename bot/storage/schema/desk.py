"""Tables of the desks: what seals the audit, what was exported, what waits for a second person."""

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, String, Table, text

from bot.storage.schema.columns import BigInt, Francs, Json, Moment, belongs_to, metadata, row_id

_OPEN = text("ended_at IS NULL")

# One for each line of the audit, in the order of sealing: its digest holds the one before it.
audit_seals = Table(
    "audit_seals",
    metadata,
    row_id(),
    Column("audit_id", BigInt, nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
)

# A table that a member of staff asked to take away: its link is good once, in that session.
exports = Table(
    "exports",
    metadata,
    Column("digest", String(64), primary_key=True),
    belongs_to("staff_id", "staff"),
    Column("session_digest", String(64), nullable=False),
    Column("what", String(16), nullable=False),
    Column("filters", Json, nullable=False),
    Column("reason", String(160), nullable=False),
    Column("until", Moment, nullable=False, index=True),
    Column("used_at", Moment),
)

# What one member of staff wants done, and another must do.
proposals = Table(
    "proposals",
    metadata,
    row_id(),
    Column("kind", String(16), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("details", Json, nullable=False),
    Column("reason", String(320), nullable=False),
    belongs_to("asked_by", "staff"),
    Column("asked_at", Moment, nullable=False),
    belongs_to("ended_by", "staff", nullable=True),
    Column("ended_at", Moment),
    Column("outcome", String(12), nullable=False, server_default=""),
    # One at a time for one thing, whoever asks at the same moment.
    Index(
        "ix_proposals_open",
        *("kind", "subject"),
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    CheckConstraint("outcome <> 'done' OR ended_by <> asked_by", name="two_people"),
)

# What a comparison with an operator's statement came to.
reconciliations = Table(
    "reconciliations",
    metadata,
    row_id(),
    Column("provider", String(16), nullable=False),
    Column("day", Date, nullable=False),
    Column("at", Moment, nullable=False),
    # {"matched": 12, "missing here": 1, ...}
    Column("kinds", Json, nullable=False),
    # Francs: what the statement has as paid, and what we have as paid of the payments in it.
    Column("there_rwf", Francs, nullable=False),
    Column("here_rwf", Francs, nullable=False),
    Column("tickets", Integer, nullable=False),
)

# What was given up for a receiver is sent again: how far that is, for every process.
recoveries = Table(
    "recoveries",
    metadata,
    row_id(),
    # The outbox's name for the receiver.
    Column("via", String(16), nullable=False),
    # Which letters: written since then, with ids up to the last. Up to `after_id` it is done.
    Column("since", Moment, nullable=False),
    Column("after_id", BigInt, nullable=False),
    Column("last_id", BigInt, nullable=False),
    Column("letters", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("asked_by", String(40), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("ended_at", Moment),
    # One at a time for each receiver, whoever asks at the same moment.
    Index("ix_recoveries_open", "via", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
)
