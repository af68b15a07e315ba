"""`isoko staff`: who may use the dashboard."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, NoReturn, TypeVar

import typer
from sqlalchemy import Connection

from bot.conversation import Language
from bot.dashboard.access import links, members
from bot.dashboard.access.members import Member, NameTaken, NotAName
from bot.dashboard.access.roles import ROLES, Role
from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Support staff.")

_Name = Annotated[str, typer.Argument(help="Who; small letters and capitals are the same")]


@app.callback()
def _group() -> None:
    """Support staff.

    Example: isoko staff add amina --role supervisor
    """


@app.command("add")
def add(
    name: _Name,
    role: Annotated[Role, typer.Option(help=f"One of: {', '.join(ROLES)}")],
    language: Annotated[Language, typer.Option(help="Of the dashboard: rw, fr or en")] = "rw",
) -> None:
    """Add a member of staff and print a one-time link, good for 15 minutes.

    With it the person chooses a password and sets up an authenticator.

    Example: isoko staff add amina --role supervisor --language fr
    """

    def work(db: Connection) -> str:
        now = datetime.now(UTC)
        member = members.add(db, name, role, language, now, _operator())
        return links.make(db, member.id, now)

    settings = load_settings()
    try:
        token = _do(settings, work)
    except NameTaken:
        _fail(f"{name} is there already: `isoko staff link {name}` makes a new link")
    except NotAName:
        _fail(f"{name!r} cannot be a name: give letters, and neither hub nor server")
    _print_link(settings, name, token)


@app.command("link")
def link(name: _Name) -> None:
    """Print a new one-time link for who lost password or phone; the old ones end at its use.

    Example: isoko staff link amina
    """

    def work(db: Connection) -> str:
        now = datetime.now(UTC)
        member = _known(db, name)
        if member is None or member.revoked or member.demo:
            return ""
        members.note(db, _operator(), "staff link made", f"staff {member.name}", now)
        return links.make(db, member.id, now)

    settings = load_settings()
    token = _do(settings, work)
    if not token:
        _fail(f"{name} has no access: `isoko staff list` shows who has")
    _print_link(settings, name, token)


@app.command("list")
def list_staff() -> None:
    """List the members of staff and their roles.

    Example: isoko staff list
    """
    found = _do(load_settings(), members.listed)
    for member in found:
        typer.echo(f"{member.name:<24}  {member.role:<10}  {member.language}  {_state(member)}")
    if not found:
        typer.echo("nobody yet: isoko staff add NAME --role supervisor")


@app.command("revoke")
def revoke(name: _Name) -> None:
    """End a member's access and sign them out everywhere, at once.

    Example: isoko staff revoke amina
    """

    def work(db: Connection) -> bool:
        member = _known(db, name)
        return member is not None and members.revoke(
            db, member.name, datetime.now(UTC), _operator()
        )

    if not _do(load_settings(), work):
        _fail(f"{name} has no access: `isoko staff list` shows who has")
    typer.echo(f"{name} has no access any more and is signed out everywhere")


def _known(db: Connection, name: str) -> Member | None:
    try:
        return members.by_name(db, members.plain_name(name))
    except NotAName:
        return None


def _state(member: Member) -> str:
    if member.revoked:
        return "revoked"
    if member.demo:
        return "demo: signs in by the link of each start"
    return "ready" if member.ready else "has not used the link yet"


def _operator() -> str:
    """Who has this shell, for the audit."""
    return f"shell {getpass.getuser()}"


def _print_link(settings: Settings, name: str, token: str) -> None:
    typer.echo(f"{settings.url}/dashboard/welcome/{token}")
    typer.echo(f"Give this link to {name} alone: it is good once, for 15 minutes.", err=True)


def _fail(why: str) -> NoReturn:
    typer.echo(f"isoko: {why}", err=True)
    raise typer.Exit(1)


def _do(settings: Settings, work: Callable[[Connection], T]) -> T:
    async def run() -> T:
        await upgrade(settings.database_url, settings.data_dir)
        records = await open_records(settings.database_url, settings.data_dir)
        try:
            return await records.write(work)
        finally:
            await records.close()

    return asyncio.run(run())
