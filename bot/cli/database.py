"""`isoko db`: the tables."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bot.cli.store import done
from bot.market.erasing_again import erase_again
from bot.settings import Settings, load_settings
from bot.storage import erasures
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
    copy: Annotated[Path, typer.Argument(help="The new file; keep it encrypted.")],
) -> None:
    """Copy the embedded store while it serves, and check the copy.

    Example: isoko db backup /backup/isoko-2026-11-25.sqlite3
    """
    settings = _embedded(load_settings())
    size = back_up(settings.data_dir, copy)
    typer.echo(f"{copy}: {size:,} bytes, whole, at revision {revision_in(copy)}")
    count = erasures.keep_list(copy.parent / LIST, erasures.of_store(settings.data_dir))
    typer.echo(f"{copy.parent / LIST}: {count} people who were erased; restoring reads it")


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
) -> None:
    """Put a copy in the place of the embedded store; the server must be stopped.

    Whom it brings back although they were erased since, by the list or by the store that it
    replaces, is erased again before it is put there.

    Example: isoko db restore /backup/isoko-2026-11-25.sqlite3
    """
    data_dir = _embedded(load_settings()).data_dir
    known = erasures.listed(erased or copy.parent / LIST) | erasures.of_store(data_dir)
    # One that is too new is refused below.
    known = known if knows_revision(revision_in(copy)) else set()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(dir=data_dir) as folder:
        count, clean = 0, copy
        if known:
            clean = sqlite_path(Path(folder))
            shutil.copyfile(copy, clean)
            count = asyncio.run(_erase_in(Path(folder), known))
        before = restore(data_dir, clean)
    typer.echo(f"{copy} is the store now" + (f"; the one before is {before}" if before else ""))
    typer.echo(f"{count} people were erased again")
    typer.echo("next: isoko db upgrade, isoko ledger verify, isoko serve, isoko ledger reconcile")


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
