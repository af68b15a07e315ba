"""`isoko payments`: what no answer of an operator ends waits here until people have found out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from bot.i18n import load_catalogues
from bot.i18n.formats import amount, at
from bot.market import passing_on_again, settling_by_hand, stopping
from bot.market.payments import Payment
from bot.market.settling_by_hand import Flagged
from bot.money_rules import payout_rules_of
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

T = TypeVar("T")
_SAID = {
    "settled": "settled: books and audit hold it, its tickets are closed, the person is told; what "
    "is still owed has a ticket `payment_missing`: call them",
    "gone": "there is no payment with this reference: see `isoko payments flagged`",
    "not_flagged": "it is not flagged: only a flagged payment is ended by hand",
    "one_name": "--by and --second must be the names of two different people",
    "no_reason": "--reason must say how you know",
}
_STOPPED = {
    "stopped": "stopped: its operator is asked no more. Ask the operator about it now, not before; "
    "then see `isoko payments flagged`",
    "gone": "there is no payment with this reference: see `isoko payments unknown`",
    "ended": "it is settled, failed or flagged already",
    "not_asked": "its operator was never asked for it: see `isoko payouts waiting`",
    "too_early": "it is asked about still: wait for its ticket, or try in a minute",
    "no_name": "--by must be the name of a person",
    "no_reason": "--reason must say why nobody waits for it any more",
}
_AGAIN = {
    "passed_on": "a new payout is made: two people release it, see `isoko payouts waiting`",
    "gone": "there is no payment with this reference: see `isoko payments refused`",
    "not_refused": "it is no refused payout of a sale or of delivered goods, or another has taken "
    "its place already",
    "limit": "the limits of payouts do not allow it now: try tomorrow, or see `payouts.*`",
    "no_name": "--by must be the name of a person",
    "no_reason": "--reason must say what was wrong",
}
_ASK = {
    "payout": "ask the operator where the money is",
    "collection": "ask the operator whether the person has paid",
    "refund": "look in the operator's portal whether it was given back",
}


class End(StrEnum):
    """What staff can find a payment to be."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


app = typer.Typer(no_args_is_help=True, help="Payments that people must end.")


@app.callback()
def _group() -> None:
    """Payments that people must end: flagged ones, and those that nobody knows for long.

    Example: isoko payments flagged
    """


@app.command("flagged")
def flagged() -> None:
    """List the flagged payments: why, what stands in suspense, and what to do.

    Example: isoko payments flagged
    """
    settings = load_settings()
    found = asyncio.run(_do(settings, settling_by_hand.flagged, writes=False))
    for one in found:
        _show(one, settings)
    if not found:
        typer.echo("no payment is flagged")


def _show(one: Flagged, settings: Settings) -> None:
    payment = one.payment
    typer.echo(f"{_line(payment, settings)}  ticket {one.ticket or 'closed'}")
    typer.echo(f"  why: {payment.reason}")
    if one.suspense_rwf:
        typer.echo(f"  in suspense: {amount(one.suspense_rwf, 'en')}")
    typer.echo(
        f"  do: {_ASK[payment.kind]}; then `isoko payments settle {payment.reference} --as "
        "succeeded|failed --reason … --by NAME --second NAME` (failed: nothing moved, or the "
        "operator has taken it back)"
    )


@app.command("unknown")
def unknown() -> None:
    """List the payments that nobody knows for half an hour: who is asked, and what it said last.

    Example: isoko payments unknown
    """
    settings, now = load_settings(), datetime.now(UTC)
    found = asyncio.run(_do(settings, lambda db: stopping.old(db, now), writes=False))
    for one in found:
        typer.echo(_line(one, settings))
    if found:
        typer.echo("do: ask the operator; what it has never heard of: `isoko payments stop`")
    else:
        typer.echo("no payment is unknown for long")


@app.command("stop")
def stop(
    reference: Annotated[str, typer.Argument(help="As `isoko payments unknown` shows it")],
    reason: Annotated[str, typer.Option(help="Why nobody waits for it any more")],
    by: Annotated[str, typer.Option(help="Who stops it")],
) -> None:
    """Flag a payment that no answer ends, so that two people can end it by `settle`.

    Moves no money. Ends with 1 when nothing was stopped.

    Example: isoko payments stop 0b6c1f4e-3a52-4f0e-9d0c-5b1f6e0a7c11
    --reason "MTN has never heard of it" --by amina
    """
    load_catalogues()
    now = datetime.now(UTC)

    def work(db: Connection) -> str:
        return stopping.stop(db, reference, reason=reason, by=by, now=now)

    _say(asyncio.run(_do(load_settings(), work, writes=True)), "stopped", _STOPPED)


@app.command("settle")
def settle(
    reference: Annotated[str, typer.Argument(help="As `isoko payments flagged` shows it")],
    end: Annotated[End, typer.Option("--as", help="What became of it")],
    reason: Annotated[str, typer.Option(help="How you know")],
    by: Annotated[str, typer.Option(help="Who found out")],
    second: Annotated[str, typer.Option(help="Who checked it; somebody else")],
) -> None:
    """End a flagged payment; empties suspense, closes its tickets, tells the person.

    Ends with 1 when nothing was settled.

    Example: isoko payments settle 0b6c1f4e-3a52-4f0e-9d0c-5b1f6e0a7c11 --as succeeded
    --reason "MTN's letter of 3 May" --by amina --second eric
    """
    load_catalogues()
    settings, now = load_settings(), datetime.now(UTC)
    rules = payout_rules_of(settings)

    def work(db: Connection) -> str:
        return settling_by_hand.settle(
            db, reference, end.value, reason=reason, by=by, second=second, rules=rules, now=now
        )

    _say(asyncio.run(_do(settings, work, writes=True)), "settled", _SAID)


@app.command("refused")
def refused() -> None:
    """List what is owed to sellers and the operator refused to pay: sales, and delivered goods.

    Example: isoko payments refused
    """
    settings = load_settings()
    found = asyncio.run(_do(settings, passing_on_again.refused, writes=False))
    for one in found:
        typer.echo(f"{_line(one, settings)}  {one.reason}")
    if found:
        typer.echo("do: find out why, call the seller; then `isoko payments pass-on`")
    else:
        typer.echo("nothing that is owed to a seller was refused")


@app.command("pass-on")
def pass_on(
    reference: Annotated[str, typer.Argument(help="As `isoko payments refused` shows it")],
    reason: Annotated[str, typer.Option(help="What was wrong, and is not any more")],
    by: Annotated[str, typer.Option(help="Who found out")],
) -> None:
    """Pay the seller again, once two people release it: `isoko payouts release`.

    Ends with 1 when no payout was made.

    Example: isoko payments pass-on 0b6c1f4e-3a52-4f0e-9d0c-5b1f6e0a7c11
    --reason "her wallet is open again" --by amina
    """
    load_catalogues()
    settings, now = load_settings(), datetime.now(UTC)
    rules = payout_rules_of(settings)

    def work(db: Connection) -> str:
        return passing_on_again.pass_on_again(
            db, reference, reason=reason, by=by, rules=rules, now=now
        )

    _say(asyncio.run(_do(settings, work, writes=True)), "passed_on", _AGAIN)


def _line(payment: Payment, settings: Settings) -> str:
    return (
        f"{payment.reference}  {payment.kind}  {amount(payment.amount_rwf, 'en')}  "
        f"{payment.order_code}  {payment.provider}  "
        f"{at(payment.created_at, settings.hub.timezone)}"
    )


def _say(outcome: str, good: str, words: dict[str, str]) -> None:
    typer.echo(words[outcome], err=outcome != good)
    if outcome != good:
        raise typer.Exit(1)


async def _do(settings: Settings, work: Callable[[Connection], T], *, writes: bool) -> T:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await (records.write(work) if writes else records.read(work))
    finally:
        await records.close()
