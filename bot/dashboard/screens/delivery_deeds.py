"""What staff do about one delivery and one receiver's secret, each on record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from bot.dashboard.access.members import Member, note
from bot.market import hub_news, subscriptions
from bot.market.subscriptions import Subscription
from bot.storage.schema import outbox as letters

# How long the secret before may sign too: the receiver changes theirs meanwhile.
OVERLAP_HOURS = (1, 24, 72, 168)


def send_now(
    db: Connection, letter_id: int, by: Member, now: datetime, *, twice: bool = False
) -> str:
    """The delivery leaves at once under its old id; one that has arrived only when `twice` is said.

    What comes of it: "again", "sooner", "arrived" without a second word, "emptied" when it is
    so old that its words are gone, "no_effect".
    """
    mine = (letters.c.id == letter_id) & (letters.c.kind == hub_news.KIND)
    row_of = letters.c
    query = select(row_of.state, row_of.due_at, row_of.lease_until, row_of.emptied).where(mine)
    row = db.execute(query.with_for_update()).first()
    if row is None:
        return "no_effect"
    if row.emptied:
        return "emptied"
    if row.state == "sent" and not twice:
        return "arrived"
    if row.state == "waiting":
        in_hand = row.lease_until is not None and row.lease_until > now
        said = "no_effect" if in_hand or row.due_at <= now else "sooner"
        values: dict[str, Any] = {"due_at": now}
    else:
        said, values = "again", {"due_at": now, "state": "waiting", "attempts": 0, "done_at": None}
    if said != "no_effect":
        db.execute(update(letters).where(mine).values(values))
    note(db, by.name, "webhook replayed", f"delivery {letter_id}", now, outcome=said)
    return said


def seal_of(receiver: Subscription) -> str:
    """What tells a page whether the secret is still the one that it was made for."""
    return subscriptions.mark_of(receiver.secrets[0]) if receiver.secrets else ""


def rotate(
    db: Connection, number: int, by: Member, seen: str, hours: int, now: datetime
) -> str | None:
    """A new secret for a receiver, shown once; the old one signs too for `hours`.

    None, and nothing done, where the secret is not the one that was `seen` any more: pressed twice.
    """
    receiver = subscriptions.by_id(db, number, now)
    if receiver is None or seal_of(receiver) != seen:
        return None
    secret = subscriptions.rotate(db, number, timedelta(hours=hours), now)
    note(db, by.name, "secret rotated", f"subscription {number}", now, overlap_hours=hours)
    return secret
