"""`isoko orders`: what came to the collection point, and parts of orders in dispute."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection

from bot.i18n import load_catalogues
from bot.market import disputes, receiving
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

_CHANNEL = "command"
_PART = re.compile(r"(?:P-)?([0-9]{1,18})", re.IGNORECASE)
_SAID = {
    "received": "noted: it came to the collection point",
    "less": "noted; it is lighter than what was accepted: `isoko orders dispute`, if it is not to "
    "be paid",
    "disputed": "its money waits; the farmer and the hub are told. It ends by `isoko orders go-on` "
    "or `isoko orders call-off`",
    "resumed": "it goes on from where it stood; the farmer and the hub are told",
    "called_off": "it is called off and is not paid; the farmer and the hub are told",
    "already": "somebody has noted before that it came",
    "not_now": "it does not stand there: look at the order's page",
    "paid": "a payout was made already: see `isoko payouts waiting`",
    "no_weight": "--kilos must be a weight, as 12 or 12.5",
    "no_reason": "--reason must say why",
    "no_name": "--by must be the name of a person",
    "gone": "there is no such part: the order's page shows it, as P-7",
}
_GOOD = {"received", "less", "disputed", "resumed", "called_off"}

app = typer.Typer(no_args_is_help=True, help="Parts of orders: what came, what is in dispute.")
_Part = Annotated[str, typer.Argument(help="As the order's page shows it: P-7")]
_By = Annotated[str, typer.Option(help="Who says so")]
_Reason = Annotated[str, typer.Option(help="Why; it goes into the audit")]


@app.callback()
def _group() -> None:
    """Parts of orders: what came to the collection point, and what is in dispute.

    Example: isoko orders received P-7 --kilos 20 --by amina
    """


@app.command("received")
def received(
    part: _Part, kilos: Annotated[str, typer.Option(help="What it weighs, as 12.5")], by: _By
) -> None:
    """Note that a part of an order came to the collection point.

    Of an order whose parts came from several farmers, only what was noted goes on at the hub's
    word. Ends with 1 when nothing was noted.

    Example: isoko orders received P-7 --kilos 20 --by amina
    """
    now, weight_g = datetime.now(UTC), receiving.grams_of(kilos)
    _do(part, lambda db, number: receiving.note_received(db, number, weight_g, by, _CHANNEL, now))


@app.command("dispute")
def dispute(part: _Part, reason: _Reason, by: _By) -> None:
    """Stop a part that is not paid yet: its money waits. Ends with 1 when nothing was stopped.

    Example: isoko orders dispute P-7 --reason "the bags are wet" --by amina
    """
    _do(part, _of_dispute(disputes.dispute, reason, by))


@app.command("go-on")
def go_on(part: _Part, reason: _Reason, by: _By) -> None:
    """Let a disputed part go on from where it stood. Ends with 1 when nothing was done.

    Example: isoko orders go-on P-7 --reason "dried and weighed again" --by eric
    """
    _do(part, _of_dispute(disputes.resume, reason, by))


@app.command("call-off")
def call_off(part: _Part, reason: _Reason, by: _By) -> None:
    """End a disputed part: it is not paid. Ends with 1 when nothing was done.

    Example: isoko orders call-off P-7 --reason "it never came" --by eric
    """
    _do(part, _of_dispute(disputes.call_off, reason, by))


def _of_dispute(
    deed: Callable[..., disputes.Said], reason: str, by: str
) -> Callable[[Connection, int], str]:
    return partial(deed, reason=reason, by=by, channel=_CHANNEL, now=datetime.now(UTC))


def _do(part: str, deed: Callable[[Connection, int], str]) -> None:
    load_catalogues()
    found = _PART.fullmatch(part.strip())
    number = int(found[1]) if found else 0
    outcome = asyncio.run(_write(load_settings(), lambda db: deed(db, number)))
    typer.echo(_SAID[outcome], err=outcome not in _GOOD)
    if outcome not in _GOOD:
        raise typer.Exit(1)


async def _write(settings: Settings, work: Callable[[Connection], str]) -> str:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await records.write(work)
    finally:
        await records.close()
