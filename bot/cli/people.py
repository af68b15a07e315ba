"""`isoko people`: who holds a number; trusted again after a call back, or given to a new owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from bot.i18n import load_catalogues
from bot.market import new_owner, verifying
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
_SAID_OF_OWNERS = {
    "new_owner": "noted: you called them. Nothing has changed yet: another member of staff now "
    "types isoko people approve with this ticket and their own name",
    "taken_off": "done: the old owner is taken off this number, and nothing is paid to it for "
    "them. What is due is in the tickets. Whoever calls from it now is new, and may register",
    "asked_before": "NOT done: the call is noted already; another member of staff must approve it",
    "not_asked": "NOT done: nobody has noted the call back for this ticket: isoko people new-owner",
    "same_person": "NOT done: a second, different member of staff must approve it",
    "not_staff": "NOT done: --by must be an agent or supervisor who has set up their account: "
    "isoko staff list",
    "nobody": "NOT done: nobody is registered with this number",
    "trusted": "NOT done: this number is trusted. Who has it now says so first on that phone "
    "(menu: My account, Not you?)",
    "no_ticket": "NOT done: this number has no open ticket with that code about a new owner. Who "
    "has it now says so on that phone (menu: My account, Not you?) and is called back first",
}
_GOOD = {"verified", "verifying", "already", "not_verifying", "new_owner", "taken_off"}

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


@app.command("new-owner")
def has_new_owner(
    number: Annotated[str, typer.Argument(help="The number")],
    ticket: Annotated[str, typer.Option(help="The ticket for which they were called back")],
    by: Annotated[str, typer.Option(help="Who called them; an account of `isoko staff`")],
) -> None:
    """Note that you called a number back that is another person's now; a second one approves.

    Ends with 1 when nothing was noted.

    Example: isoko people new-owner 0788000001 --ticket T-4F7K2 --by amina
    """
    _do(
        number,
        by,
        lambda db, msisdn, now: new_owner.ask(db, msisdn, ticket, by, now),
        _SAID_OF_OWNERS,
    )


@app.command("approve")
def approve(
    number: Annotated[str, typer.Argument(help="The number")],
    ticket: Annotated[str, typer.Option(help="The ticket for which they were called back")],
    by: Annotated[str, typer.Option(help="Who approves it; not who called them")],
) -> None:
    """Approve a new owner as the second member of staff: the old one is taken off the number.

    This cannot be undone. Orders that wait are withdrawn, money is held, and tickets say what is
    due. Ends with 1 when nothing was done.

    Example: isoko people approve 0788000001 --ticket T-4F7K2 --by eric
    """
    _do(
        number,
        by,
        lambda db, msisdn, now: new_owner.approve(db, msisdn, ticket, by, now),
        _SAID_OF_OWNERS,
    )


def _do(
    number: str,
    by: str,
    work: Callable[[Connection, str, datetime], str],
    said: Mapping[str, str] = _SAID,
) -> None:
    settings = load_settings()
    msisdn = read_msisdn(number, settings.hub.country)
    if msisdn is None or not by.strip():
        typer.echo("give a mobile number, and --by with your name", err=True)
        raise typer.Exit(2)
    load_catalogues()
    outcome = asyncio.run(_run(settings, lambda db: work(db, msisdn, datetime.now(UTC))))
    good = outcome in _GOOD
    typer.echo(said[outcome], err=not good)
    if not good:
        raise typer.Exit(1)


async def _run(settings: Settings, work: Callable[[Connection], str]) -> str:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await records.write(work)
    finally:
        await records.close()
