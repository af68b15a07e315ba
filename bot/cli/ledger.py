"""`isoko ledger`: the books, checked."""

from __future__ import annotations

import asyncio

import typer

from bot.i18n.formats import number
from bot.market import books
from bot.market.books import Books
from bot.settings import load_settings
from bot.storage.opening import open_records, upgrade

app = typer.Typer(no_args_is_help=True, help="The books.")


@app.callback()
def _group() -> None:
    """The books."""


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
