"""`isoko db`: the tables."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from bot.cli.store import done
from bot.market.erasing_again import erase_again
from bot.settings import Settings, load_settings
from bot.storage import backups, erasures
from bot.storage.backup import back_up, restore, revision_in
from bot.storage.erasures import LIST, Erased
from bot.storage.opening import (
    is_newer,
    knows_revision,
    open_records,
    revision_wanted,
    sqlite_path,
    upgrade,
)
from bot.storage.records import RecordsDown
from bot.storage.sealed_copy import is_sealed, key_from, seal, unseal

_KeyFile = Annotated[
    Path | None, typer.Option(help="The key of sealed copies; else ISOKO_BACKUP__KEY.")
]
app = typer.Typer(no_args_is_help=True, help="The records' tables.")


@app.callback()
def _group() -> None:
    """The records' tables.

    Example: isoko db upgrade
    """


@app.command("upgrade")
def upgrade_tables() -> None:
    """Bring the tables up to date; safe to run twice.

    Example: ISOKO_DATABASE_URL=postgresql://isoko@db/isoko isoko db upgrade
    """
    settings = load_settings()
    found = asyncio.run(upgrade(settings.database_url, settings.data_dir))
    newer = f", newer than this version's {revision_wanted()}" if is_newer(found) else ""
    typer.echo(f"tables are at revision {found}{newer}")


@app.command("backup")
def back_up_store(
    copy: Annotated[Path, typer.Argument(help="The new file.")],
    key_file: _KeyFile = None,
) -> None:
    """Copy the embedded store while it serves, and check the copy; with a key it is sealed.

    Example: isoko db backup /backup/isoko-2026-11-25.sealed --key-file /secure/backup.key
    """
    settings, at = _embedded(load_settings()), datetime.now(UTC)
    key = key_from(key_file, settings.backup.key.get_secret_value())
    if key:
        size, revision = _back_up_sealed(settings.data_dir, copy, key)
        typer.echo(f"{copy}: {size:,} bytes, sealed, whole, at revision {revision}")
    else:
        size = back_up(settings.data_dir, copy)
        typer.echo(f"{copy}: {size:,} bytes, whole, at revision {revision_in(copy)}")
        typer.echo("not sealed: keep it encrypted, or give --key-file or ISOKO_BACKUP__KEY")
    _note_backup(settings, at)
    count = erasures.keep_list(copy.parent / LIST, erasures.of_store(settings.data_dir))
    typer.echo(f"{copy.parent / LIST}: {count} people who were erased; restoring reads it")


@app.command("backed-up")
def backed_up() -> None:
    """Note that the records were backed up just now by other means, such as `pg_dump`.

    Staff are alerted when neither this nor `isoko db backup` was done for `alerts.backup_hours`.

    Example: pg_dump … && isoko db backed-up
    """
    now = datetime.now(UTC)
    done(lambda db: backups.note(db, now))
    typer.echo(f"noted: backed up at {now:%Y-%m-%d %H:%M} UTC")


@app.command("erasures")
def list_erasures(
    path: Annotated[Path, typer.Argument(help="The list; away from this machine is best.")],
) -> None:
    """Add who was erased to a list, by row numbers only; often, for what no copy has yet.

    Example: isoko db erasures /elsewhere/isoko-erased.txt
    """
    count = erasures.keep_list(path, done(erasures.of_records))
    typer.echo(f"{path}: {count} people who were erased")


@app.command("erase-again")
def erase_again_in(
    path: Annotated[Path, typer.Argument(help="A list that `isoko db erasures` made.")],
) -> None:
    """Erase once more whom a copy brought back; for PostgreSQL after its own restore.

    Example: isoko db erase-again /elsewhere/isoko-erased.txt
    """
    erased = erasures.listed(path)
    count = done(lambda db: erase_again(db, erased, datetime.now(UTC)))
    typer.echo(f"{count} people were erased again")


@app.command("restore")
def restore_store(
    copy: Annotated[Path, typer.Argument(help="A file that `isoko db backup` made.")],
    erased: Annotated[
        Path | None, typer.Option(help="Who was erased; else the list beside the copy.")
    ] = None,
    key_file: _KeyFile = None,
) -> None:
    """Put a copy in the place of the embedded store; the server must be stopped.

    Whom it brings back although they were erased since, by the list or by the store that it
    replaces, is erased again before it is put there.

    Example: isoko db restore /backup/isoko-2026-11-25.sqlite3
    """
    settings = _embedded(load_settings())
    data_dir, setting = settings.data_dir, settings.backup.key.get_secret_value()
    known = erasures.listed(erased or copy.parent / LIST) | erasures.of_store(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(dir=data_dir) as folder:
        count, clean = 0, _opened(copy, Path(folder), key_file, setting)
        # One that is too new is refused below.
        known = known if knows_revision(revision_in(clean)) else set()
        if known:
            plain, clean = clean, sqlite_path(Path(folder))
            shutil.copyfile(plain, clean)
            count = asyncio.run(_erase_in(Path(folder), known))
        before = restore(data_dir, clean)
    typer.echo(f"{copy} is the store now" + (f"; the one before is {before}" if before else ""))
    typer.echo(f"{count} people were erased again")
    typer.echo("next: isoko db upgrade, isoko ledger verify, isoko serve, isoko ledger reconcile")


def _back_up_sealed(data_dir: Path, copy: Path, key: str) -> tuple[int, str]:
    """The bytes and the revision of a sealed copy. Unsealed it only ever lies beside the store."""
    if not sqlite_path(data_dir).exists():
        raise RecordsDown(f"there is no data file in {data_dir}: set ISOKO_DATA_DIR")
    with TemporaryDirectory(dir=data_dir) as folder:
        plain, opened = Path(folder) / "plain", Path(folder) / "opened"
        back_up(data_dir, plain)
        size = seal(plain, copy, key)
        # A copy that does not open is none.
        unseal(copy, opened, key)
        return size, revision_in(opened)


def _note_backup(settings: Settings, at: datetime) -> None:
    """Tell the records of their copy; it is good even where they cannot be told."""

    async def note() -> None:
        # Not by way of an upgrade: a copy is often made just before one.
        records = await open_records(settings.database_url, settings.data_dir)
        try:
            await records.write(lambda db: backups.note(db, at))
        finally:
            await records.close()

    try:
        asyncio.run(note())
    except (RecordsDown, SQLAlchemyError) as error:
        said = str(error).partition("\n")[0]
        typer.echo(f"the copy is good, but staff will not know of it: {said}", err=True)


def _opened(copy: Path, folder: Path, key_file: Path | None, setting: str) -> Path:
    """The copy as SQLite reads it: a sealed one is opened in `folder`."""
    if not is_sealed(copy):
        return copy
    key = key_from(key_file, setting)
    if not key:
        raise RecordsDown(
            f"{copy} is sealed: give its key with --key-file, or as ISOKO_BACKUP__KEY"
        )
    plain = folder / "unsealed"
    unseal(copy, plain, key)
    return plain


async def _erase_in(folder: Path, known: set[Erased]) -> int:
    await upgrade("", folder)
    records = await open_records("", folder)
    try:
        return await records.write(lambda db: erase_again(db, known, datetime.now(UTC)))
    finally:
        await records.close()


def _embedded(settings: Settings) -> Settings:
    if settings.database_url:
        raise RecordsDown("this store is PostgreSQL: use pg_dump and pg_restore, or its archive")
    return settings
