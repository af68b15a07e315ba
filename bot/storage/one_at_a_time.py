"""Work that counts before it writes is done by one transaction at a time, whatever the store."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, text

_hold = text("SELECT pg_advisory_xact_lock(:key)")


def one_at_a_time(db: Connection, what: str) -> None:
    """Wait until no other transaction holds `what`, and hold it until this one ends.

    On SQLite there is only one writer anyway. Raises the store's error after its time for locks.
    """
    if db.dialect.name == "postgresql":
        digest = hashlib.sha256(what.encode()).digest()
        db.execute(_hold, {"key": int.from_bytes(digest[:8], "big", signed=True)})
