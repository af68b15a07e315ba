"""`isoko telegram`: invitations into the chat."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from bot.market import telegram_invites
from bot.msisdn import read_msisdn
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

_HOURS_MAX = 24 * 30

app = typer.Typer(no_args_is_help=True, help="The chat on Telegram.")


@app.callback()
def _group() -> None:
    """The chat on Telegram.

    Example: isoko telegram invite --by amina --number 0788000001
    """


@app.command("invite")
def invite(
    by: Annotated[str, typer.Option(help="Who invites: staff, or a co-operative")],
    number: Annotated[str, typer.Option(help="The mobile number that it is for, if for one")] = "",
    hours: Annotated[int, typer.Option(min=1, max=_HOURS_MAX, help="How long it is good")] = 72,
) -> None:
    """Print a link that opens the chat and asks the person to share their number; it is good once.

    Example: isoko telegram invite --by amina --number 0788000001
    """
    settings = load_settings()
    if not settings.telegram.enabled:
        typer.echo("the chat is off: set ISOKO_TELEGRAM__ENABLED=true first", err=True)
        raise typer.Exit(2)
    msisdn = read_msisdn(number, settings.hub.country) if number else ""
    if msisdn is None or not by.strip():
        typer.echo(
            "give --by with a name, and --number with a mobile number or not at all", err=True
        )
        raise typer.Exit(2)
    token = asyncio.run(_make(settings, by.strip(), msisdn, hours))
    typer.echo(f"https://t.me/{settings.telegram.bot_name}?start={token}")
    whose = "for this number alone" if msisdn else "for whoever has it"
    typer.echo(f"Good once, for {hours} hours, {whose}: send it to that person only.", err=True)


async def _make(settings: Settings, by: str, msisdn: str, hours: int) -> str:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)

    def work(db: Connection) -> str:
        return telegram_invites.make(db, by, msisdn, hours, datetime.now(UTC))

    try:
        return await records.write(work)
    finally:
        await records.close()
