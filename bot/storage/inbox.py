"""What came in: kept before it is acknowledged, applied once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.orphans import ORPHAN
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


def empty(db: Connection, source: str, event_id: str) -> None:
    """Drop what an event said; that it came stays."""
    same = (inbox.c.source == source) & (inbox.c.event_id == event_id)
    db.execute(update(inbox).where(same).values(body=b""))


def forget_before(db: Connection, moment: datetime, limit: int) -> int:
    """Drop at most `limit` events that came before `moment`, and wait for nothing; how many.

    Rows come in the order of their time, so only the first ones are looked at: no index is needed.
    """
    first = select(inbox.c.id, inbox.c.received_at, inbox.c.outcome).order_by(inbox.c.id)
    few = first.limit(limit).subquery()
    # Who waits for a payment is told to staff first, however long no server ran.
    old = select(few.c.id).where(few.c.received_at < moment, few.c.outcome != ORPHAN)
    return db.execute(delete(inbox).where(inbox.c.id.in_(old))).rowcount
