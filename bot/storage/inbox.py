"""What came in: kept before it is acknowledged, applied once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.schema import inbox


def keep(
    db: Connection, source: str, event_id: str, body: bytes, now: datetime, token: str = ""
) -> bool:
    """Keep one event. False when it was kept before.

    `token` is of the path of a payment's callback, where it may be needed later.
    """
    event = {"source": source, "event_id": event_id, "body": body, "token": token}
    row = {**event, "received_at": now}
    # Looked up first, two at once would both find nothing, and one would fail.
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(inbox).values(row).on_conflict_do_nothing()
    return db.execute(fresh).rowcount == 1


def applied(db: Connection, source: str, event_id: str, outcome: str, now: datetime) -> None:
    """Note what came of an event."""
    same = (inbox.c.source == source) & (inbox.c.event_id == event_id)
    db.execute(update(inbox).where(same).values(applied_at=now, outcome=outcome[:160]))
