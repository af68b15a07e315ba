"""`isoko db`: the tables."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot.settings import Settings, load_settings
from bot.storage.backup import back_up, restore, revision_in
from bot.storage.opening import is_newer, revision_wanted, upgrade
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
    size = back_up(_embedded(load_settings()).data_dir, copy)
    typer.echo(f"{copy}: {size:,} bytes, whole, at revision {revision_in(copy)}")


@app.command("restore")
def restore_store(
    copy: Annotated[Path, typer.Argument(help="A file that `isoko db backup` made.")],
) -> None:
    """Put a copy in the place of the embedded store; the server must be stopped.

    Example: isoko db restore /backup/isoko-2026-11-25.sqlite3
    """
    before = restore(_embedded(load_settings()).data_dir, copy)
    typer.echo(f"{copy} is the store now" + (f"; the one before is {before}" if before else ""))
    typer.echo("next: isoko db upgrade, isoko ledger verify, isoko serve, isoko ledger reconcile")


def _embedded(settings: Settings) -> Settings:
    if settings.database_url:
        raise RecordsDown("this store is PostgreSQL: use pg_dump and pg_restore, or its archive")
    return settings
