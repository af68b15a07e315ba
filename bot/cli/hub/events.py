"""`isoko hub events`, `allocation`: what came in and what was made of it, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from bot.cli.store import done
from bot.hub.refusing import refuse_parked
from bot.storage import hub_inbox, shop_pulls
from bot.storage.schema import allocations, hub_events, offers, orders


def events(
    again: Annotated[bool, typer.Option("--again", help="Let what is parked be tried again")] = (
        False
    ),
    refuse: Annotated[
        str, typer.Option("--refuse", metavar="ID", help="End a parked one: it is not for us")
    ] = "",
) -> None:
    """The events that were refused or parked, the newest first.

    Example: isoko hub events --again
    """
    if refuse:
        if not done(lambda db: refuse_parked(db, refuse, datetime.now(UTC))):
            typer.echo(f"Nothing is parked under {refuse}: isoko hub events lists them", err=True)
            raise typer.Exit(1)
        typer.echo(f"{refuse} is refused")
        return
    if again:
        count = done(lambda db: hub_inbox.unpark(db, datetime.now(UTC)))
        typer.echo(f"{count} are tried again")
        return
    query = (
        select(hub_events)
        .where(hub_events.c.state.in_(("refused", "parked")))
        .order_by(hub_events.c.id.desc())
        .limit(50)
    )
    table = Table("id", "source", "type", "lane", "state", "why", "came")
    for row in done(lambda db: list(db.execute(query).mappings())):
        came = f"{row['received_at']:%Y-%m-%d %H:%M}"
        said = row["event_id"], row["source"], row["type"], row["lane"], row["state"]
        table.add_row(*said, row["outcome"], came)
    Console(soft_wrap=True).print(table)


def allocation(code: Annotated[str, typer.Argument(help="Our code of the order")]) -> None:
    """Who was offered an order in which round, and the figures of the rule that decided it.

    Example: isoko hub allocation KW-2001
    """
    query = (
        select(allocations, offers.c.state, offers.c.packs_accepted)
        .join(orders, orders.c.id == allocations.c.order_id)
        .join(offers, offers.c.id == allocations.c.offer_id)
        .where(orders.c.code == code)
        .order_by(allocations.c.id)
    )
    table = Table("round", "place", "contact", "packs", "answer", "free stock", "near", "last turn")
    for row in done(lambda db: list(db.execute(query).mappings())):
        why = row["why"]
        free = "not told" if why["free_g"] is None else f"{why['free_g']} g"
        table.add_row(
            str(row["round"]),
            str(why["place"]),
            str(row["contact_id"]),
            str(row["packs"]),
            f"{row['state']} {row['packs_accepted'] or ''}".strip(),
            free,
            "yes" if why["near"] else "no",
            str(why["last_turn"]),
        )
    Console(soft_wrap=True).print(table)


def pulls() -> None:
    """The shops that are asked for their orders: up to when, and what is wrong.

    Example: isoko hub pulls
    """
    table = Table("shop", "asked until", "next", "failures", "why")
    for row in done(shop_pulls.every_one):
        moments = (f"{row[name]:%Y-%m-%d %H:%M:%S}" for name in ("asked_until", "due_at"))
        table.add_row(row["source"], *moments, str(row["failures"]), row["why"])
    Console(soft_wrap=True).print(table)
