"""`isoko ledger`: the books, checked against themselves and against an operator's statement."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.i18n.formats import number
from bot.market import books
from bot.market.books import Books
from bot.market.price_import import FileProblem
from bot.market.reconciliation import Finding, Tally, reconcile
from bot.settings import load_settings
from bot.storage.opening import open_records, upgrade

_OPERATORS = ("mtn-momo", "airtel-money")

app = typer.Typer(no_args_is_help=True, help="The books.")


@app.callback()
def _group() -> None:
    """The books.

    Example: isoko ledger verify
    """


@app.command("verify")
def verify() -> None:
    """Check every entry, account and payment; ends with 1 and what to do when a fault is found.

    Example: isoko ledger verify
    """
    found = asyncio.run(_check())
    typer.echo(f"checked: {found.entries} entries, {found.lines} lines, {found.payments} payments")
    for account, rwf in found.balances.items():
        typer.echo(f"  {account:<15} {number(rwf, 'en'):>15} Frw")
    for fault in found.faults:
        typer.echo(f"FAULT  {fault.what}\n       do: {fault.remedy}")
    if found.faults:
        typer.echo(f"{len(found.faults)} faults")
        raise typer.Exit(1)
    typer.echo(
        "every entry sums to zero, every settled payment has exactly its entries, "
        "and what is owed is what is still to be paid"
    )


async def _check() -> Books:
    settings = load_settings()
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await records.read(books.check)
    finally:
        await records.close()


@app.command("reconcile")
def compare(
    file: Annotated[Path, typer.Argument(help="The statement, in the form of docs")],
    operator: Annotated[str, typer.Option(help="mtn-momo or airtel-money")],
    date: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day, in Rwanda")],
) -> None:
    """Compare an operator's statement of one day with our payments; safe to run twice.

    Changes no payment: each true problem opens one ticket. Ends with 1 when anything differs.
    The file's form stands in docs/reconciliation.md.

    Example: isoko ledger reconcile statement.csv --operator mtn-momo --date 2026-11-24
    """
    if operator not in _OPERATORS:
        raise typer.BadParameter(f"{operator!r} is none of {', '.join(_OPERATORS)}")
    try:
        tally = asyncio.run(_compare(file, operator, date.date()))
    except FileProblem as problem:
        typer.echo(f"isoko: {problem}", err=True)
        raise typer.Exit(1) from problem
    for kind, count in tally.kinds.items():
        typer.echo(f"{kind:<16} {count:>8}")
    typer.echo(
        f"paid, in francs: {number(tally.there_rwf, 'en')} there, "
        f"{number(tally.here_rwf, 'en')} here; {tally.tickets} new tickets"
    )
    if not tally.is_well:
        raise typer.Exit(1)


async def _compare(file: Path, operator: str, day: date) -> Tally:
    settings = load_settings()
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await reconcile(
            file,
            records,
            provider=operator,
            day=day,
            timezone=settings.hub.timezone,
            now=datetime.now(UTC),
            report=_tell,
        )
    finally:
        await records.close()


def _tell(finding: Finding) -> None:
    where = f"line {finding.line}" if finding.line else "our books"
    typer.echo(f"{finding.kind}: {where} {finding.reference}\n  {finding.what}")
    typer.echo(f"  do: {finding.remedy}")
