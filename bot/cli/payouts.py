"""`isoko payouts`: what is large, or goes to a new number, waits until two people release it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from bot.i18n.formats import amount, at
from bot.market import clearance, outages
from bot.market.lines import line_of, named
from bot.market.payments import by_reference
from bot.money_rules import payout_rules_of
from bot.msisdn import masked
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

T = TypeVar("T")
_SAID = {
    "released": "released by {names}: it leaves now",
    "one_more": "released by {names}: one more is needed, by somebody else",
    "twice": "this name has released it already: the second release must be somebody else's",
    "no_name": "--by must be the name of a member of staff",
    "not_waiting": "it does not wait for a release: see `isoko payouts waiting`",
    "changed": "NOT released: it is not what was approved. It is flagged, and a ticket is open",
    "gone": "there is no payment with this reference: see `isoko payouts waiting`",
}

app = typer.Typer(no_args_is_help=True, help="Payouts that wait for people.")


@app.callback()
def _group() -> None:
    """Payouts that wait for people.

    Example: isoko payouts waiting
    """


@app.command("waiting")
def waiting() -> None:
    """List the payouts that wait for release, with what to type.

    Example: isoko payouts waiting
    """
    settings = load_settings()
    rules = payout_rules_of(settings)
    for line in asyncio.run(_do(settings, outages.standing, writes=False)):
        since = at(line.since, settings.hub.timezone)
        typer.echo(
            f"{named(line.provider)} is {line.state} since {since} ({line.why}): "
            f"{line.waiting} payments wait for it, and leave by themselves when it works"
        )
    found = asyncio.run(_do(settings, lambda db: clearance.waiting(db, rules), writes=False))
    for one in found:
        payment = one.payment
        names = ", ".join(one.released_by) or "nobody yet"
        typer.echo(
            f"{payment.reference}  {amount(payment.amount_rwf, 'en')}  {payment.order_code}  "
            f"{masked(payment.payee_msisdn)}  {at(payment.created_at, settings.hub.timezone)}  "
            f"{one.why}  released by {names}"
        )
    if not found:
        typer.echo("no payout waits")
    else:
        typer.echo("release one: isoko payouts release REFERENCE --by NAME, twice, by two people")


@app.command("release")
def release(
    reference: Annotated[str, typer.Argument(help="As `isoko payouts waiting` shows it")],
    by: Annotated[str, typer.Option(help="Who releases it; two different names are needed")],
) -> None:
    """Release a waiting payout; it leaves when a second person has done so too.

    Ends with 1 when nothing was released.

    Example: isoko payouts release 0b6c1f4e-3a52-4f0e-9d0c-5b1f6e0a7c11 --by amina
    """
    settings = load_settings()
    rules, now = payout_rules_of(settings), datetime.now(UTC)
    outcome, names = asyncio.run(
        _do(settings, lambda db: clearance.release(db, reference, by, rules, now), writes=True)
    )
    good = outcome in {"released", "one_more"}
    typer.echo(_SAID[outcome].format(names=" and ".join(names)), err=not good)
    for said in asyncio.run(_do(settings, lambda db: _why_not_yet(db, reference), writes=False)):
        typer.echo(said)
    if not good:
        raise typer.Exit(1)


def _why_not_yet(db: Connection, reference: str) -> list[str]:
    """An outage keeps here even what two people have released."""
    payment = by_reference(db, reference)
    found = outages.standing(db) if payment is not None and payment.state == "created" else []
    return [
        f"{named(one.provider)} is {one.state} ({one.why}): it leaves when that works again"
        for one in found
        if payment is not None and one.provider == line_of(payment)
    ]


async def _do(settings: Settings, work: Callable[[Connection], T], *, writes: bool) -> T:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await (records.write(work) if writes else records.read(work))
    finally:
        await records.close()
