"""`isoko prices`: take price files in, and say what is taken of a price."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from bot.cli import fees
from bot.cli.store import done
from bot.market import fee_changes, price_fees
from bot.market.price_fees import Fee, Fees
from bot.market.price_import import FileProblem, Summary, import_prices
from bot.market.products import PRODUCTS
from bot.settings import load_settings
from bot.storage.opening import open_records, upgrade

app = typer.Typer(no_args_is_help=True, help="Prices.")


app.command("approve-fees")(fees.approve)
app.command("withdraw-fees")(fees.withdraw)


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


@app.command("fees")
def ask_fees(
    product: Annotated[str, typer.Argument(help="As COF-CHERRY; without one all are shown")] = "",
    take: Annotated[
        list[str] | None,
        typer.Option(help="what:who:francs of a unit, or what:who:thousandths/1000; repeatable"),
    ] = None,
    since: Annotated[str, typer.Option(help="From which day, as 2026-12-01")] = "",
    source: Annotated[str, typer.Option(help="Who says so")] = "",
    by: Annotated[str, typer.Option(help="Who publishes it")] = "",
) -> None:
    """Ask that fees of a product's price be published; a second person approves. Or show all.

    A day's fees are never changed: a later day's take their place.

    Example: isoko prices fees COF-CHERRY --take transport:Ruli:25 --take marketplace:Tmall:20/1000
    --since 2026-12-01 --source "KOPAKAMA, assembly" --by amina
    """
    if not product:
        hub = load_settings().hub.id
        _show_fees(done(lambda db: price_fees.every_one(db, hub)))
        fees.show_waiting(done(lambda db: fee_changes.waiting(db, hub)))
        return
    if product not in PRODUCTS:
        _fail(f"a product is one of {', '.join(PRODUCTS)}")
    if not source.strip():
        _fail("give --source")
    settings = load_settings()
    try:
        new = Fees(product, date.fromisoformat(since), source, tuple(map(_fee, take or [])))
        now = datetime.now(UTC)
        number = done(lambda db: fee_changes.ask(db, settings.hub.id, new, by, now), settings)
    except ValueError as error:
        _fail(f"not published: {error}")
    if not number:
        _fail(f"there are fees of {product} from {since} already, or they wait for approval")
    typer.echo(
        f"fees of {product} from {since} wait for a second person: "
        f"isoko prices approve-fees {number} --by NAME"
    )


def _fee(text: str) -> Fee:
    """One fee as typed. Raises ValueError."""
    try:
        name, to, much = text.split(":")
        permille, of, thousand = much.partition("/")
        if of and thousand != "1000":
            raise ValueError
        return Fee(name, to, int(permille), 0) if of else Fee(name, to, 0, int(much))
    except ValueError as error:
        raise ValueError(f"{text!r} is not what:who:francs or what:who:N/1000") from error


def _show_fees(found: list[Fees]) -> None:
    table = Table("product", "from", "fees", "source")
    for one in found:
        said = (
            f"{fee.name}:{fee.to}:"
            + (f"{fee.permille}/1000" if fee.permille else f"{fee.amount_rwf}")
            for fee in one.fees
        )
        table.add_row(one.product, one.valid_from.isoformat(), " ".join(said), one.source)
    Console(soft_wrap=True).print(table)


def _fail(why: str) -> NoReturn:
    typer.echo(f"isoko: {why}", err=True)
    raise typer.Exit(1)


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
