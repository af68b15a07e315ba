"""What a person wishes of news: where it goes, and in which hours it waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.prepared import Prepared
from bot.storage.schema import news_wishes as rows

# Where the person was last, by SMS alone, or to the chat wherever they were.
Way = Literal["last", "sms", "chat"]
Hours = tuple[int, int]

# Asked with every piece of news.
_of = Prepared(
    select(rows.c.way, rows.c.quiet_from, rows.c.quiet_until, rows.c.muted_since).where(
        rows.c.contact_id == bindparam("whose")
    ),
    "whose",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's wish. `hours` are None where they leave it to the hub; the same twice is never.

    `muted`: what may wait is not sent at all.
    """

    way: Way = "last"
    hours: Hours | None = None
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Mute:
    """Since when a person is sent nothing that may wait, who of the staff said so, and why."""

    since: datetime
    by: str
    why: str


def of(db: Connection, contact_id: int) -> Wish:
    """What this person wishes; who never said so has news where they were last."""
    row = _of.one(db, contact_id)
    if row is None:
        return Wish()
    way, from_hour, until_hour, muted_since = row
    hours = None if from_hour is None else (from_hour, until_hour)
    return Wish(cast("Way", way), hours, muted_since is not None)


def set_way(db: Connection, contact_id: int, way: Way) -> None:
    """Let their news go there from now on."""
    _put(db, contact_id, {"way": way})


def set_hours(db: Connection, contact_id: int, hours: Hours | None) -> None:
    """Let their news wait from the first of these hours to the second, on the hub's clock.

    None leaves it to the hub, also when the hub changes its hours.
    """
    from_hour, until_hour = hours or (None, None)
    _put(db, contact_id, {"quiet_from": from_hour, "quiet_until": until_hour})


def mute_of(db: Connection, contact_id: int) -> Mute | None:
    """Who muted this person's news and why; None where nobody did."""
    query = select(rows.c.muted_since, rows.c.muted_by, rows.c.muted_why)
    row = db.execute(query.where(rows.c.contact_id == contact_id)).first()
    return None if row is None or row.muted_since is None else Mute(*row)


def mute(db: Connection, contact_id: int, muted: Mute) -> None:
    """Send this person nothing that may wait, until `unmute`."""
    said = {"muted_since": muted.since, "muted_by": muted.by, "muted_why": muted.why}
    _put(db, contact_id, said)


def unmute(db: Connection, contact_id: int) -> bool:
    """Send this person all news again; False when it was not muted."""
    theirs = (rows.c.contact_id == contact_id) & rows.c.muted_since.is_not(None)
    over = {"muted_since": None, "muted_by": "", "muted_why": ""}
    return db.execute(update(rows).where(theirs).values(over)).rowcount == 1


def _put(db: Connection, contact_id: int, said: dict[str, object]) -> None:
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    row = insert(rows).values(contact_id=contact_id, **said)
    db.execute(row.on_conflict_do_update(index_elements=[rows.c.contact_id], set_=said))
