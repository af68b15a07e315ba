"""`isoko telegram`: invitations into the chat, updates that are parked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert

from bot.cli import hand_over
from bot.market import telegram_invites
from bot.msisdn import read_msisdn
from bot.settings import Settings, load_settings
from bot.storage import telegram_updates
from bot.storage.opening import open_records, upgrade
from bot.storage.schema import audit

_T = TypeVar("_T")
_HOURS_MAX = 24 * 30
_LISTED_MAX = 100

app = typer.Typer(no_args_is_help=True, help="The chat on Telegram.")
app.add_typer(hand_over.app, name="hand-over")


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


@app.command("parked")
def parked() -> None:
    """Updates that could not be applied after three tries, the oldest first.

    Example: isoko telegram parked
    """
    found = asyncio.run(_do(load_settings(), lambda db: telegram_updates.parked(db, _LISTED_MAX)))
    table = Table("update", "chat", "came", "why")
    for one in found:
        came = f"{one.received_at:%d/%m/%Y %H:%M} UTC"
        table.add_row(str(one.update_id), str(one.chat_id), came, one.why)
    Console().print(table if found else "nothing is parked")


@app.command("replay")
def replay(
    update: Annotated[int, typer.Argument(help="Its number in `isoko telegram parked`")],
    by: Annotated[str, typer.Option(help="Who lets it be applied again")],
) -> None:
    """Apply a parked update again, once what broke it is mended; the running server takes it.

    A pressed button is applied as it was. What was typed is gone, in case it was a PIN, so the
    chat is shown its screen again. Ends with 1 when no parked update has this number.

    Example: isoko telegram replay 880000123 --by amina
    """
    if not by.strip():
        typer.echo("give --by with a name", err=True)
        raise typer.Exit(2)
    if not asyncio.run(_do(load_settings(), lambda db: _replay(db, update, by.strip()))):
        typer.echo("NOT done: no parked update has this number: isoko telegram parked", err=True)
        raise typer.Exit(1)
    typer.echo("it is applied again now")


def _replay(db: Connection, update_id: int, by: str) -> bool:
    done = telegram_updates.replay(db, update_id)
    if done:
        line = {"at": datetime.now(UTC), "actor": by[:40], "action": "telegram update replayed"}
        subject = f"telegram update {update_id}"
        db.execute(insert(audit).values(**line, subject=subject, details={}))
    return done


async def _make(settings: Settings, by: str, msisdn: str, hours: int) -> str:
    now = datetime.now(UTC)
    return await _do(settings, lambda db: telegram_invites.make(db, by, msisdn, hours, now))


async def _do(settings: Settings, work: Callable[[Connection], _T]) -> _T:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await records.write(work)
    finally:
        await records.close()
