"""People whom a copy of the records has brought back are forgotten once more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, select

from bot.market import leaving
from bot.storage.erasures import Erased
from bot.storage.schema import audit, contacts


def erase_again(db: Connection, erased: Iterable[Erased], now: datetime) -> int:
    """Erase each of `erased` who is a person here again; how many that were.

    A row of the same number that was made at another moment is somebody else's.
    """
    again = 0
    for one in sorted(erased):
        query = select(contacts.c.created_at).where(
            contacts.c.id == one.contact_id, contacts.c.erased_at.is_(None)
        )
        made_at = db.execute(query).scalar()
        if made_at is None or round(made_at.timestamp() * 1e6) != one.made_us:
            continue
        leaving.leave(db, one.contact_id, "server", f"erased again:{one.contact_id}", now)
        line = {"at": now, "actor": "server", "action": "person erased again"}
        db.execute(insert(audit), {**line, "subject": f"contact {one.contact_id}", "details": {}})
        again += 1
    return again
