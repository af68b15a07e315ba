"""Accounts of staff as they are once set up, for tests on both stores."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert

from bot.storage.schema import staff


def member(
    db: Connection, name: str, now: datetime, role: str = "agent", **other: object
) -> None:  # fmt: skip
    """A member who has a password."""
    row = {"name": name, "role": role, "created_at": now, "password_hash": "x", **other}
    db.execute(insert(staff).values(row))
