"""What came in: kept before it is acknowledged, applied once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bot.storage.schema import inbox


def keep(db: Connection, source: str, event_id: str, body: bytes, now: datetime) -> bool:
    """Keep one event. False when it was kept before."""
    same = (inbox.c.source == source) & (inbox.c.event_id == event_id)
    if db.execute(select(inbox.c.id).where(same)).first():
        return False
    row = {"source": source, "event_id": event_id, "body": body, "received_at": now}
    db.execute(insert(inbox).values(row))
    return True


def applied(db: Connection, source: str, event_id: str, outcome: str, now: datetime) -> None:
    """Note what came of an event."""
    same = (inbox.c.source == source) & (inbox.c.event_id == event_id)
    db.execute(update(inbox).where(same).values(applied_at=now, outcome=outcome[:160]))
