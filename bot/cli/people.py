"""`isoko people`: a number with a new SIM is checked, and trusted again after a call back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from bot.market import verifying
from bot.msisdn import read_msisdn
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

_SAID = {
    "verified": "verified: they may accept orders and change their number for money again; the "
    "ticket is closed and the audit names you",
    "verifying": "noted: until a call back they accept no orders and change no number for money",
    "already": "it is being checked already: isoko people verify NUMBER --ticket T-… --by NAME",
    "not_verifying": "nothing to do: this number is not being checked",
    "nobody": "nobody is registered with this number",
    "no_ticket": "NOT verified: this number has no open ticket with that code that asks for this "
    "check. The person asks for a call (the screen offers it) and is called back first",
}
_GOOD = {"verified", "verifying", "already", "not_verifying"}

app = typer.Typer(no_args_is_help=True, help="Who holds a number.")


@app.callback()
def _group() -> None:
    """Who holds a number.

    Example: isoko people sim-changed 0788000001 --by amina
    """


@app.command("sim-changed")
def sim_changed(
    number: Annotated[str, typer.Argument(help="The number with a new SIM")],
    by: Annotated[str, typer.Option(help="Who types in the operator's report")],
) -> None:
    """Note that the operator reports a new SIM: reading goes on, money and orders wait.

    Ends with 1 when nobody has this number.

    Example: isoko people sim-changed 0788000001 --by amina
    """
    _do(number, by, lambda db, msisdn, now: verifying.report_sim(db, msisdn, by.strip(), now))


@app.command("verify")
def verify(
    number: Annotated[str, typer.Argument(help="The person's number")],
    ticket: Annotated[str, typer.Option(help="The ticket for which they were called back")],
    by: Annotated[str, typer.Option(help="Who called them")],
) -> None:
    """Trust a number again after a call back in which the person told what only they know.

    Ends with 1 when it is refused: nobody, or no such ticket.

    Example: isoko people verify 0788000001 --ticket T-4F7K2 --by amina
    """
    _do(number, by, lambda db, msisdn, now: verifying.release(db, msisdn, ticket, by.strip(), now))


def _do(number: str, by: str, work: Callable[[Connection, str, datetime], str]) -> None:
    settings = load_settings()
    msisdn = read_msisdn(number, settings.hub.country)
    if msisdn is None or not by.strip():
        typer.echo("give a mobile number, and --by with your name", err=True)
        raise typer.Exit(2)
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
