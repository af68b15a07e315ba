"""`isoko stock`: what people offer, for those who bring buyers."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from bot.cli import stock_photos as photos
from bot.i18n import load_catalogues, speaking
from bot.i18n.formats import amount, day, number
from bot.market import people, products, stock_listings, stock_photos
from bot.market.stock_listings import Listing
from bot.msisdn import masked
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

app = typer.Typer(no_args_is_help=True, help="Stock that people offer.")
app.add_typer(photos.app, name="photos")


@app.callback()
def _group() -> None:
    """Stock that people offer.

    Example: isoko stock list
    """


@app.command("list")
def list_all(
    product: Annotated[str, typer.Option(help="Only this product, such as COF-CHERRY")] = "",
) -> None:
    """What is offered now, the cheapest of each product first; numbers are masked.

    Example: isoko stock list --product COF-CHERRY
    """
    if product and product not in products.PRODUCTS:
        typer.echo(f"no such product: one of {', '.join(products.PRODUCTS)}", err=True)
        raise typer.Exit(2)
    load_catalogues()
    found = asyncio.run(_read(load_settings(), product))
    table = Table("product", "grade", "quantity", "for one", "harvest", "photos", "district", "who")
    with speaking("en"):
        for listing, shown, district, who in found:
            table.add_row(*_cells(listing), str(shown or ""), district, who)
    Console().print(table if found else "nobody offers anything now")


def _cells(one: Listing) -> tuple[str, ...]:
    unit = products.PRODUCTS[one.product].unit
    quantity, price = f"{number(one.units, 'en')} {unit}", amount(one.price_rwf, "en")
    return products.name(one.product), one.grade, quantity, price, day(one.harvested_on)


async def _read(settings: Settings, product: str) -> list[tuple[Listing, int, str, str]]:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await records.read(lambda db: _offered(db, product))
    finally:
        await records.close()


def _offered(db: Connection, product: str) -> list[tuple[Listing, int, str, str]]:
    found = []
    for one in stock_listings.offered(db, product):
        contact = people.by_id(db, one.contact_id)
        if contact is not None and contact.msisdn:
            photos_shown = stock_photos.of_listing(db, one.id)[0]
            found.append((one, photos_shown, contact.district, masked(contact.msisdn)))
    return found
