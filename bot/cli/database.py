"""`isoko db`: the tables."""

from __future__ import annotations

import asyncio

import typer

from bot.settings import load_settings
from bot.storage.opening import revision_wanted, upgrade

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
    asyncio.run(upgrade(settings.database_url, settings.data_dir))
    typer.echo(f"tables are at revision {revision_wanted()}")
