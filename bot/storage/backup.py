"""Copies of the embedded store: taken while it serves, checked, and put back in its place."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot.storage.opening import OneProcess, knows_revision, sqlite_path
from bot.storage.records import RecordsDown

# What SQLite keeps beside a file that was not closed: it belongs to that file alone.
_BESIDE = ("-wal", "-shm")


def back_up(data_dir: Path, copy: Path) -> int:
    """Copy the store in `data_dir` to the new file `copy`, checked and on the disk; its bytes.

    It is one read transaction: writers go on, and the copy is of one moment.
    Raises `RecordsDown` with the remedy.
    """
    source = sqlite_path(data_dir)
    if not source.exists():
        raise RecordsDown(f"there is no data file {source}: set ISOKO_DATA_DIR to the server's")
    part = copy.with_name(f"{copy.name}.part")
    try:
        # It holds people's numbers: from its first byte on it is for its owner alone.
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise RecordsDown(f"cannot make {copy}: {error.strerror}; give a new file") from error
    try:
        part.touch(0o600)
        with closing(sqlite3.connect(source)) as db, closing(sqlite3.connect(part)) as into:
            db.backup(into)
            # A copy in one file: no log of its own that might be left behind.
            into.execute("PRAGMA journal_mode=DELETE")
        revision_in(part)
        _to_disk(part)
        part.replace(copy)
        _to_disk(copy.parent)
    except (OSError, sqlite3.Error) as error:
        raise RecordsDown(f"the copy failed ({error}): is the disk full?") from error
    finally:
        part.unlink(missing_ok=True)
        if copy.stat().st_size == 0:
            copy.unlink()
    return copy.stat().st_size


def restore(data_dir: Path, copy: Path) -> Path | None:
    """Put `copy` in the place of the store in `data_dir`; where the one before lies now, if any.

    Raises `RecordsDown` while a server uses the folder, or when the copy is damaged or too new.
    """
    revision = revision_in(copy)
    if not knows_revision(revision):
        raise RecordsDown(f"{copy} is of a newer version ({revision}): install that one first")
    lock = OneProcess(data_dir)
    lock.take()
    try:
        store = sqlite_path(data_dir)
        new = store.with_name(f"{store.name}.new")
        new.touch(0o600)
        shutil.copyfile(copy, new)
        _to_disk(new)
        before = _set_aside(store)
        new.replace(store)
        _to_disk(data_dir)
    finally:
        lock.give_back()
    return before


def revision_in(copy: Path) -> str:
    """The revision of the tables in a copy. Raises `RecordsDown` when the copy is damaged."""
    try:
        # Immutable: looking writes nothing beside it, so it may lie on a read-only disk.
        with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?immutable=1", uri=True)) as db:
            problem = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if problem != "ok" or db.execute("PRAGMA foreign_key_check").fetchone():
                raise RecordsDown(f"{copy} is damaged ({problem}): take another copy")
            return str(db.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except sqlite3.Error as error:
        raise RecordsDown(f"{copy} is no copy of a store ({error}): take another") from error


def _set_aside(store: Path) -> Path | None:
    if not store.exists():
        return None
    before = store.with_name(f"{store.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    for end in _BESIDE:
        beside = store.with_name(store.name + end)
        if beside.exists():
            beside.replace(before.with_name(before.name + end))
    store.replace(before)
    return before


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
