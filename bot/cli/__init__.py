"""The command `isoko`: one command a file, listed here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

import typer

from bot.settings import SettingsError
from bot.storage.records import RecordsDown

# Each command's file, and what is in it: one function, or an `app` with commands of its own.
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "serve": ("serve", "serve"),
        "alive": ("alive", "alive"),
        "phone": ("phone", "phone"),
        "doctor": ("doctor", "doctor"),
        "fresh": ("fresh", "fresh"),
        "map": ("mapping", "draw"),
        "messages": ("messages", "messages"),
        "proof": ("proof", "proof"),
        "alerts": ("alerts", "app"),
        "audit": ("audit", "app"),
        "collections": ("collections", "app"),
        "db": ("database", "app"),
        "hub": ("hub", "app"),
        "ledger": ("ledger", "app"),
        "members": ("members", "app"),
        "orders": ("orders", "app"),
        "payments": ("payments", "app"),
        "payouts": ("payouts", "app"),
        "people": ("people", "app"),
        "pins": ("pins", "app"),
        "prices": ("prices", "app"),
        "sandbox": ("sandbox", "app"),
        "staff": ("staff", "app"),
        "stock": ("stock", "app"),
        "telegram": ("telegram", "app"),
    }
)
_HELP = (
    "Isoko: farmers sell on any phone. Start with `isoko serve`, then open the web phone. "
    "Example: isoko doctor"
)


def app_of(asked: str = "") -> typer.Typer:
    """The command line. Only the file of the command `asked` is loaded; of any other word all are.

    To load them all takes longer than most commands.
    """
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=_HELP)
    # Without this a single command would be the whole command line, its name left out.
    app.callback()(_isoko)
    for name in (asked,) if asked in COMMANDS else COMMANDS:
        file, inside = COMMANDS[name]
        command = getattr(import_module(f"bot.cli.{file}"), inside)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main() -> None:
    """Run the command; a setting or a store that is wrong is one line, not a traceback."""
    try:
        app_of(sys.argv[1] if len(sys.argv) > 1 else "")()
    except (SettingsError, RecordsDown) as error:
        sys.stderr.write(f"isoko: {error}\n")
        sys.exit(2)


def _isoko() -> None:
    """Nothing comes before the command."""
