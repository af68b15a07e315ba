"""Who belongs to a co-operative: people who are registered, each with their own consent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from bot.market import people
from bot.msisdn import read_msisdn
from bot.storage.schema import audit, contacts
from bot.storage.schema import members as rows

COOPERATIVE = "cooperative"


@dataclass(frozen=True, slots=True)
class Member:
    """One member, as the co-operative knows them."""

    contact_id: int
    names: str
    district: str


def of(db: Connection, cooperative_id: int) -> list[Member]:
    """The members that can be reached, in the order of their names."""
    query = (
        select(contacts.c.id, contacts.c.names, contacts.c.district)
        .join(rows, rows.c.contact_id == contacts.c.id)
        .where(rows.c.cooperative_id == cooperative_id, contacts.c.msisdn.is_not(None))
        .order_by(contacts.c.names, contacts.c.id)
    )
    return [Member(*row) for row in db.execute(query)]


def add(db: Connection, cooperative_id: int, contact_id: int, now: datetime) -> bool:
    """Let somebody belong to a co-operative; False when they do already."""
    same = (rows.c.cooperative_id == cooperative_id) & (rows.c.contact_id == contact_id)
    if db.execute(select(rows.c.id).where(same)).first() is not None:
        return False
    values = {"cooperative_id": cooperative_id, "contact_id": contact_id, "joined_at": now}
    db.execute(insert(rows).values(values))
    return True


def take_in(
    db: Connection,
    cooperative_id: int,
    numbers: Iterable[str],
    country: str,
    by: str,
    now: datetime,
) -> dict[str, list[int]]:
    """Take in the members with these numbers; which lines came to what, counted from 1.

    Nobody is kept who has not registered, for nobody else has agreed to be: "unknown". The rest is
    "added", "already", "itself" or "no number". The co-operative's role becomes that of one.
    """
    found: dict[str, list[int]] = {}
    for line, text in enumerate(numbers, 1):
        if not text.strip():
            continue
        outcome = _take_one(db, cooperative_id, read_msisdn(text.strip(), country), now)
        found.setdefault(outcome, []).append(line)
    role = update(contacts).where(contacts.c.id == cooperative_id).values(role=COOPERATIVE)
    db.execute(role)
    counted = Counter({outcome: len(lines) for outcome, lines in found.items()})
    line_of_audit = {
        "at": now,
        "actor": by[:40],
        "action": "members imported",
        "subject": f"contact {cooperative_id}",
        "details": dict(counted),
    }
    db.execute(insert(audit), line_of_audit)
    return found


def forget(db: Connection, contact_id: int) -> None:
    """Somebody who leaves belongs to no co-operative, and has no members."""
    mine = (rows.c.contact_id == contact_id) | (rows.c.cooperative_id == contact_id)
    db.execute(delete(rows).where(mine))


def _take_one(db: Connection, cooperative_id: int, msisdn: str | None, now: datetime) -> str:
    if msisdn is None:
        return "no number"
    contact = people.by_msisdn(db, msisdn)
    if contact is None:
        return "unknown"
    if contact.id == cooperative_id:
        return "itself"
    return "added" if add(db, cooperative_id, contact.id, now) else "already"
