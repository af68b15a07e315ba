"""Whether a store that acknowledges a commit has it on the disk."""

from __future__ import annotations

from sqlalchemy import Connection, text

from bot.storage.records import Records

# Each connection sets `synchronous_commit` itself; these two belong to the whole server.
_MUST_BE_ON = ("fsync", "full_page_writes")


async def weakness(records: Records) -> str:
    """What of the server's settings lets a power cut lose acknowledged commits, with the remedy.

    "" when nothing does. SQLite is set and checked where it is opened. Raises `RecordsDown`.
    """
    return await records.read(_weakness)


def _weakness(db: Connection) -> str:
    if db.dialect.name != "postgresql":
        return ""
    for name in _MUST_BE_ON:
        if db.execute(text(f"SHOW {name}")).scalar() != "on":
            return (
                f"PostgreSQL runs with {name} off, so that a power cut loses what it acknowledged: "
                f"set {name} = on in postgresql.conf on the server in ISOKO_DATABASE_URL"
            )
    return ""
