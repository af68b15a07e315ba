"""`isoko pins`: a forgotten PIN is reset, after a call back, by two members of staff."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from bot.i18n import load_catalogues
from bot.market import pin_reset
from bot.msisdn import read_msisdn
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

_SAID = {
    "asked": "noted: you called them. Nothing has changed yet: another member of staff now types "
    "isoko pins approve with this ticket and their own name",
    "reset": "reset: the old PIN is deleted, the ticket closed, and they are told by SMS to choose "
    "a new one on their own phone within a day",
    "asked_before": "NOT reset: the call is noted already; another member of staff must approve it",
    "not_asked": "NOT reset: nobody has noted the call back for this ticket: isoko pins reset",
    "same_person": "NOT reset: a second, different member of staff must approve it",
    "not_staff": "NOT reset: --by must be an agent or supervisor who has set up their account: "
    "isoko staff list",
    "nobody": "nobody is registered with this number",
    "verify": "NOT reset: it must first be known who holds this number: isoko people verify",
    "no_ticket": "NOT reset: this number has no open ticket with that code about a forgotten PIN. "
    "The person asks for the call (menu: Help, Forgot PIN) and is called back first",
    "old_ticket": "NOT reset: the ticket is older than the lock, so nobody was asked about it. "
    "Close it on the dashboard; the person then asks for the call anew",
}
_GOOD = {"asked", "reset"}

app = typer.Typer(no_args_is_help=True, help="PINs that are forgotten or locked.")

_Number = Annotated[str, typer.Argument(help="The person's number")]
_Ticket = Annotated[str, typer.Option(help="The ticket for which they were called back")]


@app.callback()
def _group() -> None:
    """PINs that are forgotten or locked.

    Example: isoko pins reset 0788000001 --ticket T-4F7K2 --by amina
    """


@app.command("reset")
def reset(
    number: _Number,
    ticket: _Ticket,
    by: Annotated[str, typer.Option(help="Who called them; an account of `isoko staff`")],
) -> None:
    """Note that you called a person back about their PIN; it is reset when a second one approves.

    Ends with 1 when nothing was noted.

    Example: isoko pins reset 0788000001 --ticket T-4F7K2 --by amina
    """
    _do(number, lambda db, msisdn, now: pin_reset.ask(db, msisdn, ticket, by, now))


@app.command("approve")
def approve(
    number: _Number,
    ticket: _Ticket,
    by: Annotated[str, typer.Option(help="Who approves it; not who called them")],
) -> None:
    """Approve a reset as the second member of staff. Nobody sees or sets the PIN.

    The old PIN is deleted and its lock opened; the person chooses another on their own phone. Ends
    with 1 when nothing was reset.

    Example: isoko pins approve 0788000001 --ticket T-4F7K2 --by eric
    """
    dial = load_settings().hub.service_code
    _do(number, lambda db, msisdn, now: pin_reset.approve(db, msisdn, ticket, by, dial, now))


def _do(number: str, work: Callable[[Connection, str, datetime], str]) -> None:
    settings = load_settings()
    msisdn = read_msisdn(number, settings.hub.country)
    if msisdn is None:
        typer.echo("give a mobile number", err=True)
        raise typer.Exit(2)
    load_catalogues()
    outcome = asyncio.run(_run(settings, lambda db: work(db, msisdn, datetime.now(UTC))))
    typer.echo(_SAID[outcome], err=outcome not in _GOOD)
    if outcome not in _GOOD:
        raise typer.Exit(1)


async def _run(settings: Settings, work: Callable[[Connection], str]) -> str:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await records.write(work)
    finally:
        await records.close()
