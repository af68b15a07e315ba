"""Hops that must survive: the reply of each effect, and the session as it stood then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select

from bot.conversation import Reply, Session
from bot.storage.prepared import Prepared
from bot.storage.schema import hops
from bot.storage.sessions import pack, unpack_kept


@dataclass(frozen=True, slots=True)
class SavedHop:
    """A hop that was committed: what was answered, and the session right after."""

    key: bytes
    size: int
    reply: Reply
    session: Session


_insert = Prepared(
    insert(hops), "key", "session_key", "owner", "size", "reply", "ends", "snapshot", "at"
)
_by_key = select(hops).where(hops.c.key == bindparam("key"))
_by_session = (
    select(hops).where(hops.c.session_key == bindparam("session_key")).order_by(hops.c.size.desc())
)


def find(db: Connection, key: bytes) -> SavedHop | None:
    """The committed hop with this key, or None."""
    row = db.execute(_by_key, {"key": key}).mappings().first()
    return None if row is None else _saved(row)


def of_session(db: Connection, session_key: str) -> list[SavedHop]:
    """The committed hops of a session, longest history first."""
    rows = db.execute(_by_session, {"session_key": session_key}).mappings()
    return [_saved(row) for row in rows]


def keep(db: Connection, key: bytes, session: Session, reply: Reply, now: datetime) -> None:
    """Commit a hop with the rest of the transaction. Raises IntegrityError for a second one."""
    row = {
        "key": key,
        "session_key": session.key,
        "owner": session.owner,
        "size": session.history_size,
        "reply": reply.text,
        "ends": int(reply.ends),
        "snapshot": pack(session),
        "at": now,
    }
    _insert.run(db, row)


def forget_before(db: Connection, moment: datetime, limit: int) -> int:
    """Drop at most `limit` hops older than `moment`, the oldest first; returns how many."""
    oldest = select(hops.c.key).where(hops.c.at < moment).order_by(hops.c.at).limit(limit)
    return db.execute(delete(hops).where(hops.c.key.in_(oldest))).rowcount


def _saved(row: RowMapping) -> SavedHop:
    reply = Reply(row["reply"], bool(row["ends"]))
    # One that an older version wrote still has its reply; the session then begins anew from home.
    gateway, _, session_id = row["session_key"].partition(":")
    session = unpack_kept(row["snapshot"]) or Session(gateway, session_id, row["owner"])
    return SavedHop(row["key"], row["size"], reply, session)
