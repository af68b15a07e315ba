"""Opening the records that the settings name, and bringing their tables up to date."""

from __future__ import annotations

import asyncio
import fcntl
import os
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from bot.storage.postgres import PostgresRecords
from bot.storage.postgres import open_engine as open_server
from bot.storage.records import Records, RecordsDown
from bot.storage.sqlite import SqliteRecords, open_engine

log = structlog.get_logger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
FILE = "isoko.sqlite3"
_UPGRADE_LOCK = 0x150C0


def sqlite_path(data_dir: Path) -> Path:
    """Where the embedded store lies in the data folder."""
    return data_dir / FILE


async def open_records(database_url: str, data_dir: Path) -> Records:
    """The records at `database_url`, or the SQLite file in `data_dir` when it is empty.

    Raises `RecordsDown` with the remedy when the store is not reachable or not safe.
    """
    if database_url:
        return PostgresRecords(database_url)
    _make_folder(data_dir)
    path = sqlite_path(data_dir)
    if not path.exists():
        path.touch(mode=0o600)
    return SqliteRecords(path)


def _make_folder(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RecordsDown(
            f"the data folder {data_dir} cannot be made ({error.strerror}): set ISOKO_DATA_DIR to "
            "another"
        ) from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise RecordsDown(f"the data folder {data_dir} cannot be written to: set ISOKO_DATA_DIR")


class OneProcess:
    """A lock on the data folder: the embedded store is for one server process."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "server.lock"
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock. Raises `RecordsDown`: another server has it, or no folder can be made."""
        _make_folder(self._path.parent)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RecordsDown(
                f"another server already uses the data folder {self._path.parent}: stop it, set "
                "ISOKO_DATA_DIR to another folder, or set ISOKO_DATABASE_URL and ISOKO_REDIS_URL"
            ) from error

    def give_back(self) -> None:
        """Let the next server in."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


async def upgrade(database_url: str, data_dir: Path) -> str:
    """Bring the tables up to date, and give their revision; does nothing when they are.

    Tables of a newer version stay as they are: this one serves on them while the two run side by
    side, and after a step back. Raises `RecordsDown` when they are nobody's.
    """
    if database_url:
        return await _upgrade_server(database_url)
    _make_folder(data_dir)
    return await asyncio.to_thread(_upgrade_file, sqlite_path(data_dir))


async def _upgrade_server(database_url: str) -> str:
    engine = open_server(database_url)
    try:
        async with engine.begin() as db:
            # Many processes start at once: one upgrades, the others find it done.
            await db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            return await db.run_sync(_upgrade_on)
    except (OSError, SQLAlchemyError) as error:
        raise RecordsDown(
            f"the database cannot be reached or upgraded ({error}): check ISOKO_DATABASE_URL"
        ) from error
    finally:
        await engine.dispose()


def revision_wanted() -> str:
    """The newest revision that this code knows."""
    return _scripts().get_current_head() or ""


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_MIGRATIONS))


def knows_revision(revision: str) -> bool:
    """Whether this code can bring tables at `revision` up to date."""
    return any(one.revision == revision for one in _scripts().walk_revisions())


def is_newer(revision: str) -> bool:
    """Whether a newer version of this program made tables at `revision`."""
    return revision.isdecimal() and int(revision) > int(revision_wanted())


def revision_of(db: Connection) -> str:
    """The revision that the tables are at; "" when there are none."""
    return MigrationContext.configure(db).get_current_revision() or ""


def _upgrade_file(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
    engine = open_engine(path)
    try:
        with engine.begin() as db:
            # This is a thread of its own, and a server may be writing: here it is right to wait.
            db.exec_driver_sql("PRAGMA busy_timeout=5000")
            # The driver begins no transaction before DDL: half an upgrade would stay.
            db.exec_driver_sql("BEGIN IMMEDIATE")
            return _upgrade_on(db)
    finally:
        engine.dispose()


def _upgrade_on(db: Connection) -> str:
    found = revision_of(db)
    if is_newer(found):
        log.warning("tables of a newer version", revision=found, ours=revision_wanted())
    elif found and not knows_revision(found):
        raise RecordsDown(f"the tables are at revision {found!r}, which no version of this made")
    elif found != revision_wanted():
        command.upgrade(config_for(db), "head")
    return revision_of(db)


def config_for(db: Connection) -> Config:
    """Alembic's configuration for an open connection; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = db
    return config
