"""`isoko hub rate`, `item`: what other money is worth, and what is sold under which number."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from bot.cli.store import done
from bot.i18n.formats import local_day
from bot.market import items, rates
from bot.market.items import Cut, Item
from bot.market.products import PRODUCTS
from bot.settings import load_settings


def rate(
    currency: Annotated[str, typer.Argument(help="USD or CNY")],
    francs: Annotated[str, typer.Argument(help="Francs for one unit, with 6 decimals at most")],
    source: Annotated[str, typer.Option(help="Who says so")],
    day: Annotated[str, typer.Option(help="Of which day, as 2026-11-25; today if left out")] = "",
) -> None:
    """Keep what a currency was worth on a day; a day's rate is never changed.

    Example: isoko hub rate USD 1453.25 --source "BNR, average"
    """
    if currency not in {"USD", "CNY"}:
        _fail("give USD or CNY")
    try:
        when, worth = date.fromisoformat(day) if day else _today(), Decimal(francs)
        fresh = done(lambda db: rates.enter(db, currency, when, worth, source, datetime.now(UTC)))
    except (ValueError, InvalidOperation) as error:
        _fail(f"no rate was kept: {error}")
    if not fresh:
        _fail(f"there is a rate of {currency} of {when} already")
    typer.echo(f"1 {currency} = {francs} Frw from {when}")


def item(
    sku: Annotated[str, typer.Argument(help="Its number; without one all are shown")] = "",
    product: Annotated[str, typer.Option(help="Which product, as COF-ROAST")] = "",
    pack_g: Annotated[int, typer.Option(help="Grams of a pack")] = 500,
    grade: Annotated[str, typer.Option(help="Only this grade")] = "",
    cut: Annotated[
        list[str] | None, typer.Option(help="name:who:thousandths of the sale price; repeatable")
    ] = None,
    point: Annotated[str, typer.Option(help="Where farmers bring it")] = "Kigali",
    days: Annotated[int, typer.Option(help="Days to deliver")] = 11,
) -> None:
    """Say what is sold under a number, and how its price is shared; or show all.

    Example: isoko hub item RW-COFFEE-500G --product COF-ROAST --cut transport:RwandAir:56
    """
    if not sku:
        _show(done(items.all_of_them))
        return
    if product not in PRODUCTS:
        _fail(f"--product must be one of {', '.join(PRODUCTS)}")
    try:
        new = Item(sku[:40], product, grade, pack_g, tuple(map(_cut, cut or [])), point[:60], days)
        done(lambda db: items.put(db, new))
    except ValueError as error:
        _fail(f"not kept: {error}")
    typer.echo(f"{sku} is on sale")


def _cut(text: str) -> Cut:
    name, who, permille = text.split(":")
    return Cut(name, who, int(permille))


def _show(found: list[Item]) -> None:
    table = Table("sku", "product", "grade", "pack", "shares, thousandths", "where", "days")
    for one in found:
        shares = " ".join(f"{cut.name}:{cut.to}:{cut.permille}" for cut in one.cuts)
        pack = f"{one.pack_g} g"
        table.add_row(
            one.sku,
            one.product,
            one.grade,
            pack,
            shares,
            one.collection_point,
            str(one.deliver_days),
        )
    Console(soft_wrap=True).print(table)


def _fail(why: str) -> NoReturn:
    typer.echo(f"isoko: {why}", err=True)
    raise typer.Exit(1)


def _today() -> date:
    return local_day(datetime.now(UTC), load_settings().hub.timezone)
