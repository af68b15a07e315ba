"""The table of figures for the health page."""

from sqlalchemy import Column, Integer, String, Table

from bot.storage.schema.columns import BigInt, Json, metadata

# A row a minute for each process: few enough to keep a week of them, and to draw from.
minutes = Table(
    "minutes",
    metadata,
    # Minutes since 1970.
    Column("minute", BigInt, primary_key=True, autoincrement=False),
    Column("worker", String(16), primary_key=True),
    # Hops by kind; how many fell into each step of time.
    Column("kinds", Json, nullable=False),
    Column("times", Json, nullable=False),
    Column("faults", Integer, nullable=False),
    Column("lag_ms", Integer, nullable=False),
    Column("late_s", Integer, nullable=False),
    Column("dead", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
)
