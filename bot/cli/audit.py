"""`isoko audit`: whether anybody has changed or removed what was written down."""

from __future__ import annotations

import asyncio

import typer

from bot.settings import load_settings
from bot.storage import audit_chain
from bot.storage.audit_chain import Chain
from bot.storage.opening import open_records, upgrade

app = typer.Typer(no_args_is_help=True, help="The audit.")


@app.callback()
def _group() -> None:
    """The audit.

    Example: isoko audit check
    """


@app.command("check")
def check() -> None:
    """Compute the audit's chain anew. Ends with 1 and names the first line that is wrong.

    Note the last digest elsewhere: it also tells when the newest lines were cut off.

    Example: isoko audit check
    """
    chain = asyncio.run(_check())
    if chain.wrong:
        typer.echo(f"wrong: line {chain.bad_id} was {chain.wrong}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{chain.lines} lines are as they were written; the last digest is {chain.head}")
    if chain.unsealed:
        typer.echo(f"{chain.unsealed} newer ones are sealed by the running server")


async def _check() -> Chain:
    settings = load_settings()
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await audit_chain.check(records)
    finally:
        await records.close()
