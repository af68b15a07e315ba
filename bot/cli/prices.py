"""`isoko prices`: take price files in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from bot.market.price_import import FileProblem, Summary, import_prices
from bot.settings import load_settings
from bot.storage.opening import open_records, upgrade

app = typer.Typer(no_args_is_help=True, help="Prices.")


@app.callback()
def _group() -> None:
    """Prices.

    Example: isoko prices import FILE
    """


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file in the WFP food-price form")],
    dry_run: Annotated[bool, typer.Option(help="Only say what would be taken")] = False,
) -> None:
    """Take in a World Food Programme price file; safe to run twice.

    Example: isoko prices import wfp_food_prices_rwa.csv
    """
    try:
        summary = asyncio.run(_run(file, dry_run))
    except FileProblem as problem:
        typer.echo(f"isoko: {problem}", err=True)
        raise typer.Exit(1) from problem
    _show(summary, dry_run)


async def _run(file: Path, dry_run: bool) -> Summary:
    settings = load_settings()
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} rows"))
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            rows = bar.add_task(file.name, total=None)
            return await import_prices(
                file,
                records,
                hub=settings.hub.id,
                now=datetime.now(UTC),
                outlier_factor=settings.prices.outlier_factor,
                dry_run=dry_run,
                progress=lambda count: bar.advance(rows, count),
            )
    finally:
        await records.close()


def _show(summary: Summary, dry_run: bool) -> None:
    title = f"{summary.rows} rows" + (" (dry run: nothing stored)" if dry_run else "")
    table = Table("", "rows", "why, and where", title=title)
    for what, count, why in summary.lines():
        table.add_row(what, str(count), why)
    Console().print(table)
