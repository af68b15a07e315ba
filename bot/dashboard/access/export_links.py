"""Links of exports: good once, for ten minutes, in the session that asked, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from bot.dashboard.access.tokens import digest_of, new_token
from bot.storage.schema import exports

VALID_FOR = timedelta(minutes=10)
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Export:
    """What a good link is for."""

    what: str
    filters: dict[str, str]
    reason: str


def make(db: Connection, export: Export, staff_id: int, session_token: str, now: datetime) -> str:
    """A new link's token; only its digest is kept, beside that of the session."""
    db.execute(delete(exports).where(exports.c.until < now - _KEPT))
    token = new_token()
    row = {
        "digest": digest_of(token),
        "staff_id": staff_id,
        "session_digest": digest_of(session_token),
        "what": export.what,
        "filters": export.filters,
        "reason": export.reason,
        "until": now + VALID_FOR,
    }
    db.execute(insert(exports).values(row))
    return token


def use(
    db: Connection, token: str, staff_id: int, session_token: str, now: datetime
) -> Export | None:
    """Use the link up. None when it is used, too old, of another session, or nobody's."""
    good = (
        (exports.c.digest == digest_of(token))
        & (exports.c.staff_id == staff_id)
        & (exports.c.session_digest == digest_of(session_token))
        & exports.c.used_at.is_(None)
        & (exports.c.until > now)
    )
    if db.execute(update(exports).where(good).values(used_at=now)).rowcount != 1:
        return None
    same = exports.c.digest == digest_of(token)
    row = db.execute(select(exports).where(same)).mappings().one()
    return Export(row["what"], row["filters"], row["reason"])
