"""One-time links: the way in for who has no password yet, and for the demo's supervisor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from bot.dashboard.access.tokens import digest_of, new_token
from bot.storage.schema import staff, staff_links

# Whoever finds a link has the account: it is used while both speak with each other.
VALID_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is found. Only one that is `good` has a member to let in."""

    state: Literal["good", "used", "old", "unknown"]
    staff_id: int = 0
    name: str = ""
    demo: bool = False


def make(db: Connection, staff_id: int, now: datetime, valid_for: timedelta = VALID_FOR) -> str:
    """A new link's token; earlier links of this member are good no more."""
    db.execute(delete(staff_links).where(staff_links.c.staff_id == staff_id))
    token = new_token()
    row = {"digest": digest_of(token), "staff_id": staff_id, "until": now + valid_for}
    db.execute(insert(staff_links).values(row))
    return token


def look(db: Connection, token: str, now: datetime) -> Link:
    """What this link is worth now; looking uses nothing up."""
    query = (
        select(staff_links, staff.c.name, staff.c.demo)
        .join(staff, staff.c.id == staff_links.c.staff_id)
        .where(staff_links.c.digest == digest_of(token), staff.c.revoked_at.is_(None))
    )
    row = db.execute(query).mappings().first()
    if row is None:
        return Link("unknown")
    if row["used_at"] is not None:
        return Link("used")
    if row["until"] <= now:
        return Link("old")
    return Link("good", row["staff_id"], row["name"], bool(row["demo"]))


def use(db: Connection, token: str, now: datetime) -> bool:
    """Use the link up. False when somebody was quicker, or it is not good."""
    good = (
        (staff_links.c.digest == digest_of(token))
        & staff_links.c.used_at.is_(None)
        & (staff_links.c.until > now)
    )
    return db.execute(update(staff_links).where(good).values(used_at=now)).rowcount == 1
