"""`isoko prices approve-fees`, `withdraw-fees`: the second person for what is taken of a price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.cli.store import done
from bot.market import fee_changes
from bot.market.fee_changes import FeeChange, Outcome
from bot.settings import load_settings

_Number = Annotated[int, typer.Argument(help="The number: isoko prices fees")]
_SAID: dict[Outcome, str] = {
    "approved": "published; farmers see them within 15 seconds",
    "withdrawn": "withdrawn; nothing was published",
    "gone": "there are no fees with this number that wait: isoko prices fees",
    "same_person": "a second, different person must approve them",
    "no_name": "--by must be the name of a member of staff",
    "taken": "that day has its fees by now: withdraw these",
}


def approve(number: _Number, by: Annotated[str, typer.Option(help="Who approves them")]) -> None:
    """Publish fees that somebody else has asked for.

    Example: isoko prices approve-fees 3 --by jeanne
    """
    hub, now = load_settings().hub.id, datetime.now(UTC)
    _end(done(lambda db: fee_changes.approve(db, hub, number, by, now)), "approved")


def withdraw(number: _Number, by: Annotated[str, typer.Option(help="Who withdraws them")]) -> None:
    """Publish nothing of what was asked for.

    Example: isoko prices withdraw-fees 3 --by amina
    """
    hub, now = load_settings().hub.id, datetime.now(UTC)
    _end(done(lambda db: fee_changes.withdraw(db, hub, number, by, now)), "withdrawn")


def show_waiting(found: Sequence[FeeChange]) -> None:
    """Say what waits for a second person."""
    for one in found:
        fees = one.fees
        taken = " ".join(
            f"{fee.name}:{fee.to}:"
            + (f"{fee.permille}/1000" if fee.permille else str(fee.amount_rwf))
            for fee in fees.fees
        )
        typer.echo(
            f"{one.id} waits for a second person: {fees.product} from {fees.valid_from} {taken} "
            f"({fees.source}), asked by {one.asked_by}"
        )


def _end(outcome: Outcome, good: Outcome) -> None:
    typer.echo(_SAID[outcome], err=outcome != good)
    if outcome != good:
        raise typer.Exit(1)
