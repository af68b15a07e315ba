"""`isoko alerts`: what staff are alerted of, and what is muted for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.cli.store import done
from bot.i18n import load_catalogues, speaking
from bot.market import staff_alerts

app = typer.Typer(no_args_is_help=True, help="What staff are alerted of.")


@app.callback()
def _group() -> None:
    """What staff are alerted of.

    Example: isoko alerts list
    """


@app.command("list")
def listed() -> None:
    """Those that are raised, the newest first, then those that are over; and what is muted.

    Example: isoko alerts list
    """
    now = datetime.now(UTC)
    found, muted = done(lambda db: (staff_alerts.listed(db), staff_alerts.mutes(db, now)))
    load_catalogues()
    table = Table("state", "rule", "what", "raised", "cleared")
    with speaking("en"):
        for row in found:
            text = staff_alerts.words_of(row["rule"], row["about"], row["figure"])
            over = f"{row['cleared_at']:%Y-%m-%d %H:%M}" if row["cleared_at"] else ""
            raised = f"{row['raised_at']:%Y-%m-%d %H:%M}"
            table.add_row(row["state"], row["rule"], text, raised, over)
    Console(soft_wrap=True).print(table)
    for rule, one in muted.items():
        typer.echo(
            f"{rule} is muted until {one['until']:%Y-%m-%d %H:%M} by {one['by']}: {one['why']}"
        )


@app.command("mute")
def mute(
    rule: Annotated[str, typer.Argument(help="Which rule, as gateway_silent")],
    why: Annotated[str, typer.Option(help="Why, for the record")],
    by: Annotated[str, typer.Option(help="Who mutes it")],
    hours: Annotated[float, typer.Option(min=0, max=168, help="For so long; 0 ends it")] = 4.0,
) -> None:
    """Tell nobody of a rule for some hours; what it raises is kept and shown all the same.

    Example: isoko alerts mute gateway_silent --hours 3 --by amina --why "MTN is at work"
    """
    now = datetime.now(UTC)
    until = now + timedelta(hours=hours)
    try:
        done(lambda db: staff_alerts.mute(db, rule, until, by, why, now))
    except ValueError as error:
        typer.echo(f"isoko: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{rule} is muted until {until:%Y-%m-%d %H:%M} UTC")
