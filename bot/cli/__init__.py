"""The command `isoko`: one command a file, listed here."""

from __future__ import annotations

import sys

import typer

from bot.cli import (
    collections,
    database,
    doctor,
    fresh,
    ledger,
    mapping,
    members,
    messages,
    payments,
    payouts,
    people,
    phone,
    pins,
    prices,
    proof,
    sandbox,
    serve,
    staff,
    stock,
    telegram,
)
from bot.settings import SettingsError
from bot.storage.records import RecordsDown

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Isoko: farmers sell on any phone. Start with `isoko serve`, then open the web phone. "
    "Example: isoko doctor",
)
app.command("serve")(serve.serve)
app.command("phone")(phone.phone)
app.command("doctor")(doctor.doctor)
app.command("fresh")(fresh.fresh)
app.command("map")(mapping.draw)
app.command("messages")(messages.messages)
app.command("proof")(proof.proof)
app.add_typer(collections.app, name="collections")
app.add_typer(database.app, name="db")
app.add_typer(ledger.app, name="ledger")
app.add_typer(members.app, name="members")
app.add_typer(payments.app, name="payments")
app.add_typer(payouts.app, name="payouts")
app.add_typer(people.app, name="people")
app.add_typer(pins.app, name="pins")
app.add_typer(prices.app, name="prices")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(staff.app, name="staff")
app.add_typer(stock.app, name="stock")
app.add_typer(telegram.app, name="telegram")


def main() -> None:
    """Run the command; a setting or a store that is wrong is one line, not a traceback."""
    try:
        app()
    except (SettingsError, RecordsDown) as error:
        sys.stderr.write(f"isoko: {error}\n")
        sys.exit(2)
