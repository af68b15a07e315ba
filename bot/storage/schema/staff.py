"""Tables of staff: who may use the dashboard, with what, and where they are signed in."""

from sqlalchemy import Boolean, Column, Index, String, Table, text

from bot.storage.schema.columns import BigInt, Moment, belongs_to, metadata, one_of, row_id

ROLES = ("viewer", "agent", "supervisor", "finance", "admin", "auditor")

staff = Table(
    "staff",
    metadata,
    row_id(),
    # In small letters, so that two names never differ by capitals only.
    Column("name", String(40), nullable=False, unique=True),
    Column("role", String(12), nullable=False),
    Column("language", String(2), nullable=False, server_default="rw"),
    # Both empty until the person has chosen them through a one-time link.
    Column("password_hash", String(160), nullable=False, server_default=""),
    Column("totp_sealed", String(200), nullable=False, server_default=""),
    # The last time step whose code was used: no code is good twice.
    Column("totp_step", BigInt, nullable=False, server_default="0"),
    # Signs in by a printed link alone, and only where the settings say demo.
    Column("demo", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    one_of("role", ROLES),
    one_of("language", ("rw", "fr", "en")),
)

staff_links = Table(
    "staff_links",
    metadata,
    Column("digest", String(64), primary_key=True),
    belongs_to("staff_id", "staff", index=True),
    Column("until", Moment, nullable=False),
    Column("used_at", Moment),
)

staff_codes = Table(
    "staff_codes",
    metadata,
    row_id(),
    belongs_to("staff_id", "staff"),
    Column("digest", String(64), nullable=False),
    Column("used_at", Moment),
    Index(None, "staff_id", "digest", unique=True),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    belongs_to("staff_id", "staff", index=True),
    # "code" is half a session: the password was right, the second step is not done.
    Column("stage", String(4), nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    one_of("stage", ("code", "full")),
)

staff_attempts = Table(
    "staff_attempts",
    metadata,
    row_id(),
    # A digest of the name or the address: a password typed as a name is not kept.
    Column("who", String(64), nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Index(None, "who", "at"),
)
