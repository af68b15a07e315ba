"""`isoko members`: who belongs to a co-operative."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from bot.cli.store import done
from bot.csv_cells import number_cells
from bot.market import members, people
from bot.msisdn import read_msisdn
from bot.settings import Settings, load_settings
from bot.wiring import quiet_of

_FILE_MAX_BYTES = 1_000_000
_SAID = {
    "added": "taken in",
    "already": "members already",
    "unknown": "NOT taken in, nobody has registered with this number: ask them to dial {dial}",
    "itself": "NOT taken in: the co-operative itself",
    "no number": "NOT taken in: no mobile number",
}
_GOOD = {"added", "already"}

app = typer.Typer(no_args_is_help=True, help="Members of co-operatives.")


@app.callback()
def _group() -> None:
    """Members of co-operatives.

    Example: isoko members list 0788000007
    """


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="A mobile number a line; more columns are passed by")
    ],
    cooperative: Annotated[str, typer.Option(help="The co-operative's number; registered")],
    by: Annotated[str, typer.Option(help="Who takes them in")],
) -> None:
    """Take in a co-operative's members by number; safe to run twice.

    Only who has registered, and so agreed to be known, is taken in; nothing of others is kept. Ends
    with 1 when a line was not taken in.

    Example: isoko members import members.csv --cooperative 0788000007 --by amina
    """
    settings = load_settings()
    numbers = _numbers(file)
    found = done(lambda db: _take_in(db, settings, cooperative, numbers, by), settings)
    if found is None or not by.strip():
        typer.echo("nobody is registered with the co-operative's number", err=True)
        raise typer.Exit(2)
    for outcome, lines in found.items():
        shown = ", ".join(map(str, lines[:20])) + (" ..." if len(lines) > 20 else "")
        said = _SAID[outcome].format(dial=settings.hub.service_code)
        typer.echo(f"{len(lines)} {said} (line {shown})")
    if found.keys() - _GOOD:
        raise typer.Exit(1)


@app.command("list")
def list_all(
    cooperative: Annotated[str, typer.Argument(help="The co-operative's number; registered")],
) -> None:
    """The members of a co-operative: names and districts.

    Example: isoko members list 0788000007
    """
    settings = load_settings()
    found = done(lambda db: _of(db, settings, cooperative), settings)
    if found is None:
        typer.echo("nobody is registered with the co-operative's number", err=True)
        raise typer.Exit(2)
    for member in found:
        typer.echo(f"{member.names}, {member.district}")
    typer.echo(f"{len(found)} members")


def _numbers(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_FILE_MAX_BYTES + 1)
        if len(raw) > _FILE_MAX_BYTES:
            raise ValueError(f"larger than {_FILE_MAX_BYTES} bytes")
        return number_cells(raw)
    except (OSError, ValueError) as problem:
        typer.echo(f"isoko: {file}: {problem}", err=True)
        raise typer.Exit(2) from problem


def _take_in(
    db: Connection, settings: Settings, number: str, numbers: list[str], by: str
) -> dict[str, list[int]] | None:
    contact_id = _contact(db, settings, number)
    if not contact_id or not by.strip():
        return None
    hub, now, quiet = settings.hub, datetime.now(UTC), quiet_of(settings)
    tel, name = hub.help_msisdn, by.strip()
    return members.take_in(db, contact_id, numbers, hub.country, name, now, tel, quiet)


def _of(db: Connection, settings: Settings, number: str) -> list[members.Member] | None:
    contact_id = _contact(db, settings, number)
    return members.of(db, contact_id) if contact_id else None


def _contact(db: Connection, settings: Settings, number: str) -> int:
    contact = people.by_msisdn(db, read_msisdn(number, settings.hub.country) or "")
    return contact.id if contact is not None else 0
