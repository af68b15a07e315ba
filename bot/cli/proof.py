"""`isoko proof`: whether a receipt is true."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bot.i18n.formats import amount, at
from bot.market import receipts
from bot.market.proof import is_valid
from bot.market.receipts import Receipt
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade


def proof(code: Annotated[str, typer.Argument(help="The eight signs on the receipt")]) -> None:
    """Say what a receipt's code stands for: amount, date and true state, and no name.

    Ends with 1 when the code has a slip or is nobody's.

    Example: isoko proof 7KQ4-M2C7
    """
    if not is_valid(code):
        typer.echo("this code has a mistake: its last sign does not fit; read it again", err=True)
        raise typer.Exit(1)
    settings = load_settings()
    found = asyncio.run(_look(settings, code))
    if found is None:
        typer.echo("no receipt has this code: it is not ours", err=True)
        raise typer.Exit(1)
    when = at(found.at, settings.hub.timezone)
    rwf = amount(found.amount_rwf, "en")
    typer.echo(f"{found.code}  {found.kind}  {rwf}  {when}  {found.state}")


async def _look(settings: Settings, code: str) -> Receipt | None:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await records.read(lambda db: receipts.by_code(db, code))
    finally:
        await records.close()
