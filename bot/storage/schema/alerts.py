"""Tables of what staff are alerted of."""

from sqlalchemy import Column, ColumnElement, Index, Integer, String, Table, literal_column

from bot.storage.schema.columns import BigInt, Moment, metadata, one_of, row_id

# Few are open. A query must say this in these very words.
IS_OPEN: ColumnElement[bool] = literal_column("state <> 'cleared'")

staff_alerts = Table(
    "staff_alerts",
    metadata,
    row_id(),
    Column("rule", String(24), nullable=False),
    # A gateway, where a rule is about one; else "".
    Column("about", String(40), nullable=False, server_default=""),
    # Minutes, milliseconds, francs or how many, as the rule says.
    Column("figure", BigInt, nullable=False),
    # Pending until it has lasted; then raised, until it has been gone for a while.
    Column("state", String(8), nullable=False, server_default="pending"),
    Column("first_seen_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("raised_at", Moment),
    Column("cleared_at", Moment),
    # Whether anybody was told when it was raised: who was not hears of no end either.
    Column("told", Integer, nullable=False, server_default="0"),
    # Who looks after it, since when, and what they say of it.
    Column("owner", String(40), nullable=False, server_default=""),
    Column("owner_why", String(160), nullable=False, server_default=""),
    Column("owned_at", Moment),
    Index(
        "ix_staff_alerts_open",
        "rule",
        "about",
        unique=True,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    ),
    one_of("state", ("pending", "raised", "cleared")),
)

# Nobody is told of this rule until then; what is raised is kept and shown all the same.
alert_mutes = Table(
    "alert_mutes",
    metadata,
    Column("rule", String(24), primary_key=True),
    Column("until", Moment, nullable=False),
    Column("by", String(40), nullable=False),
    Column("why", String(160), nullable=False),
)
