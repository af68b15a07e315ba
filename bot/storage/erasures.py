"""Who was erased, kept beside the copies of the store: a copy brings back what people had erased.

A line names a row by its number and the moment it was made, and nobody: numbers are given anew.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select

from bot.storage.opening import sqlite_path
from bot.storage.records import RecordsDown
from bot.storage.schema import contacts

LIST = "isoko-erased.txt"


class Erased(NamedTuple):
    """A person's row: its number, and when it was made, as UTC in microseconds."""

    contact_id: int
    made_us: int


def of_records(db: Connection) -> set[Erased]:
    """Everybody who was erased in these records."""
    query = select(contacts.c.id, contacts.c.created_at).where(contacts.c.erased_at.is_not(None))
    return {Erased(row.id, round(row.created_at.timestamp() * 1e6)) for row in db.execute(query)}


def of_store(data_dir: Path) -> set[Erased]:
    """The same of an embedded store that nobody serves; nobody where it is gone or broken."""
    from sqlalchemy.exc import DatabaseError

    from bot.storage.sqlite import open_engine

    if not sqlite_path(data_dir).exists():
        return set()
    engine = open_engine(sqlite_path(data_dir))
    with suppress(DatabaseError, sqlite3.Error), closing(engine.connect()) as db:
        found = of_records(db)
        engine.dispose()
        return found
    engine.dispose()
    return set()


def listed(path: Path) -> set[Erased]:
    """Who stands in the list at `path`; nobody when there is none. Raises `RecordsDown`."""
    if not path.exists():
        return set()
    try:
        lines = path.read_text(encoding="ascii").split("\n")
        return {Erased(*map(int, line.split())) for line in lines if line.strip()}
    except (OSError, ValueError, TypeError) as error:
        raise RecordsDown(f"{path} is no list of who was erased: {error}") from error


def keep_list(path: Path, erased: set[Erased]) -> int:
    """Add them to the list at `path`, whole or not at all; how many stand in it then."""
    everybody = sorted(listed(path) | erased)
    part = path.with_name(f"{path.name}.part")
    part.touch(0o600)
    with part.open("w", encoding="ascii") as file:
        file.writelines(f"{one.contact_id} {one.made_us}\n" for one in everybody)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return len(everybody)
