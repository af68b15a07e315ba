"""What only one process at a time may do, such as keeping to a limit that all share."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.schema import turns


def take(db: Connection, what: str, holder: str, now: datetime, for_s: float) -> bool:
    """Whether `what` is this holder's for the next `for_s`; asking again keeps it."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    db.execute(insert(turns).values(what=what).on_conflict_do_nothing())
    free = turns.c.until.is_(None) | (turns.c.until <= now) | (turns.c.holder == holder)
    mine = update(turns).where(turns.c.what == what, free)
    until = now + timedelta(seconds=for_s)
    return db.execute(mine.values(holder=holder, until=until)).rowcount == 1


def keep_until(db: Connection, what: str, until: datetime) -> None:
    """Note that `what` holds until then, whoever says so."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    values = {"until": until}
    row = insert(turns).values(what=what, **values)
    db.execute(row.on_conflict_do_update(index_elements=[turns.c.what], set_=values))


def until(db: Connection, what: str) -> datetime | None:
    """Until when `what` holds, or None."""
    return db.execute(select(turns.c.until).where(turns.c.what == what)).scalar()


def give_up(db: Connection, what: str, holder: str) -> None:
    """Let another process have it at once."""
    mine = (turns.c.what == what) & (turns.c.holder == holder)
    db.execute(update(turns).where(mine).values(holder="", until=None))
