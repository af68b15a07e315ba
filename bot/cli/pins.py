"""`isoko pins`: let a person try again whose PIN is locked, after calling them back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from bot.market.pin_unlock import unlock as unlock_pin
from bot.msisdn import read_msisdn
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

_SAID = {
    "unlocked": "unlocked: they may try again; the ticket is closed and the audit names you",
    "nobody": "nobody is registered with this number",
    "no_ticket": "NOT unlocked: this number has no open ticket with that code. The person calls in "
    "(menu: Help) and is called back first",
}

app = typer.Typer(no_args_is_help=True, help="PINs that are locked.")


@app.callback()
def _group() -> None:
    """PINs that are locked.

    Example: isoko pins unlock 0788000001 --ticket T-4F7K2 --by amina
    """


@app.command("unlock")
def unlock(
    number: Annotated[str, typer.Argument(help="The person's number")],
    ticket: Annotated[str, typer.Option(help="The ticket for which they were called back")],
    by: Annotated[str, typer.Option(help="Who called them")],
) -> None:
    """Unlock a PIN after a call back. The PIN itself stays theirs: nobody sees or sets it.

    Ends with 1 when nothing was unlocked.

    Example: isoko pins unlock 0788000001 --ticket T-4F7K2 --by amina
    """
    settings = load_settings()
    msisdn = read_msisdn(number, settings.hub.country)
    if msisdn is None or not by.strip():
        typer.echo("give a mobile number, and --by with your name", err=True)
        raise typer.Exit(2)
    outcome = asyncio.run(_unlock(settings, msisdn, ticket, by.strip()))
    typer.echo(_SAID[outcome], err=outcome != "unlocked")
    if outcome != "unlocked":
        raise typer.Exit(1)


async def _unlock(settings: Settings, msisdn: str, ticket: str, by: str) -> str:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)

    def work(db: Connection) -> str:
        return unlock_pin(db, msisdn, ticket, by, datetime.now(UTC))

    try:
        return await records.write(work)
    finally:
        await records.close()
