"""What only one process at a time may do, such as keeping to a limit that all share."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, update
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


def give_up(db: Connection, what: str, holder: str) -> None:
    """Let another process have it at once."""
    mine = (turns.c.what == what) & (turns.c.holder == holder)
    db.execute(update(turns).where(mine).values(holder="", until=None))
