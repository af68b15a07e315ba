"""Callbacks that came for nobody, as they wait for a payment to appear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from bot.storage.schema import inbox
from bot.storage.schema.delivery import IS_FORGED, IS_ORPHAN, IS_UNMATCHED

ORPHAN = "orphan"
# What a day brought no payment for, and people have been told of.
UNMATCHED = "unmatched"
_COLUMNS = inbox.c.id, inbox.c.source, inbox.c.token, inbox.c.body, inbox.c.received_at
# Whoever guesses very often must not make each count dear.
_COUNTED_MAX = 100


@dataclass(frozen=True, slots=True)
class Orphan:
    """One such callback; `token` is of its path, "" where that was longer than any of ours."""

    id: int
    source: str
    token: str
    body: bytes
    received_at: datetime


def strangers(db: Connection, since: datetime) -> int:
    """How many came for nobody or were forged since then, to any process; of each 100 at most."""
    total = 0
    for kind in (IS_ORPHAN, IS_FORGED):
        newest = select(inbox.c.received_at).where(kind).order_by(inbox.c.id.desc())
        few = newest.limit(_COUNTED_MAX).subquery()
        count = select(func.count()).select_from(few).where(few.c.received_at > since)
        total += int(db.execute(count).scalar() or 0)
    return total


def waiting(db: Connection, after_id: int, limit: int) -> list[Orphan]:
    """Up to `limit` of them that came after the one with this id, the oldest first."""
    query = (
        select(*_COLUMNS).where(IS_ORPHAN, inbox.c.id > after_id).order_by(inbox.c.id).limit(limit)
    )
    return [Orphan(*row) for row in db.execute(query).all()]


def for_people(db: Connection, limit: int) -> list[Orphan]:
    """Up to `limit` that no payment has come for, the newest first; what a day has not helped too.

    Each kind is found by an index of its own.
    """
    found = []
    for which in (IS_ORPHAN, IS_UNMATCHED):
        query = select(*_COLUMNS).where(which).order_by(inbox.c.id.desc()).limit(limit)
        found += [Orphan(*row) for row in db.execute(query).all()]
    return sorted(found, key=lambda one: -one.id)[:limit]


def one_for_people(db: Connection, orphan_id: int) -> Orphan | None:
    """The one with this id, held until this transaction ends; None when it is nobody's no more."""
    query = select(*_COLUMNS).where(inbox.c.id == orphan_id, IS_ORPHAN | IS_UNMATCHED)
    row = db.execute(query.with_for_update()).first()
    return None if row is None else Orphan(*row)


def end_by_hand(
    db: Connection, orphan: Orphan, outcome: str, now: datetime, token: str = ""
) -> None:
    """Somebody has said what it is: `token` is that of its payment, if it has one."""
    ended = {"outcome": outcome[:160], "applied_at": now}
    known = ended | ({"token": token} if token else {})
    db.execute(update(inbox).where(inbox.c.id == orphan.id).values(known))


def end(db: Connection, orphan: Orphan, outcome: str, now: datetime) -> bool:
    """Note what came of it. False when somebody else has."""
    mine = (inbox.c.id == orphan.id) & (inbox.c.outcome == ORPHAN)
    ended = {"outcome": outcome[:160], "applied_at": now}
    return db.execute(update(inbox).where(mine).values(ended)).rowcount == 1
