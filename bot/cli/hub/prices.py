"""`isoko hub prices`, `approve-price`, `refuse-price`: what the hub published, and who decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.cli.store import done
from bot.market import price_approval
from bot.market.price_approval import Outcome
from bot.settings import load_settings

_SAID = {
    "shown": "farmers see it now",
    "refused": "refused; nobody sees it",
    "gone": "there is no price with this number that waits: isoko hub prices",
    "no_name": "--by must be the name of a member of staff",
}


def waiting(
    product: Annotated[str, typer.Argument(help="The history of this product instead")] = "",
) -> None:
    """The published prices that wait for approval, or all of a product with who decided what.

    Example: isoko hub prices COF-CHERRY
    """
    hub = load_settings().hub.id
    found = done(
        lambda db: (
            price_approval.history(db, hub, product) if product else price_approval.waiting(db, hub)
        )
    )
    table = Table("no", "product", "place", "kind", "Frw", "unit", "day", "source", "state")
    for row in found:
        said = row["product"], row["place"], row["kind"], str(row["amount_rwf"]), row["unit"]
        state = f"{row['state']} {row['reason']}".strip()
        table.add_row(str(row["id"]), *said, row["valid_on"].isoformat(), row["source"], state)
    Console(soft_wrap=True).print(table)


def approve(
    number: Annotated[int, typer.Argument(help="The price's number: isoko hub prices")],
    by: Annotated[str, typer.Option(help="Who approves it")],
) -> None:
    """Show a published price to farmers.

    Example: isoko hub approve-price 120 --by amina
    """
    hub, now = load_settings().hub.id, datetime.now(UTC)
    _end(done(lambda db: price_approval.decide(db, hub, number, by, now, shown=True)), "shown")


def refuse(
    number: Annotated[int, typer.Argument(help="The price's number: isoko hub prices")],
    by: Annotated[str, typer.Option(help="Who refuses it")],
    why: Annotated[str, typer.Option(help="Why, for the record")],
) -> None:
    """Keep a published price from farmers.

    Example: isoko hub refuse-price 120 --by amina --why "ten times the usual"
    """
    hub, now = load_settings().hub.id, datetime.now(UTC)
    _end(
        done(lambda db: price_approval.decide(db, hub, number, by, now, shown=False, why=why)),
        "refused",
    )


def _end(outcome: Outcome, good: str) -> None:
    typer.echo(_SAID[outcome], err=outcome != good)
    if outcome != good:
        raise typer.Exit(1)
