"""`isoko telegram hand-over`: chats that staff take over from the bot, from the server's shell."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from bot.cli.store import done
from bot.i18n import load_catalogues
from bot.market import hand_over_lines, hand_overs, people
from bot.market.hand_overs import Outcome
from bot.market.staff_names import answerer
from bot.msisdn import read_msisdn
from bot.settings import load_settings

_T = TypeVar("_T")
_SAID = {
    "done": "done",
    "gone": "NOT done: the bot has this chat, or it is none",
    "anothers": "NOT done: a colleague has this chat, or nobody has taken it yet",
    "empty": "NOT done: write something",
    "pin": "NOT done: nobody may be asked for a PIN, and none may be sent",
    "no_chat": "NOT done: this person has no chat that takes messages",
    "nobody": "NOT done: nobody is registered with this number",
    "not_staff": "NOT done: --by must be an agent or supervisor who has set up their account: "
    "isoko staff list",
}

app = typer.Typer(no_args_is_help=True, help="Chats that staff take over from the bot.")
_Id = Annotated[int, typer.Argument(help="Its number in `isoko telegram hand-over list`")]
_By = Annotated[str, typer.Option(help="Who does it; an account of `isoko staff`")]


@app.callback()
def _group() -> None:
    """Chats that staff take over from the bot.

    Example: isoko telegram hand-over list
    """


@app.command("list")
def list_all() -> None:
    """Those that wait for somebody first, then those that staff have.

    Example: isoko telegram hand-over list
    """
    table = Table("chat", "language", "since", "has it", "last said")
    found = _do(
        lambda db: [(one, hand_over_lines.lines_of(db, one.id)) for one in hand_overs.listed(db)]
    )
    for one, lines in found:
        said = lines[-1].text if lines else ""
        since = f"{one.opened_at:%d/%m/%Y %H:%M} UTC"
        table.add_row(str(one.id), one.language, since, one.owner or "waits", said[:60])
    Console().print(table if found else "nobody asks for one of us")


@app.command("take")
def take(
    number: Annotated[str, typer.Argument(help="The mobile number of the person in the chat")],
    by: _By,
) -> None:
    """Take the chat of a person, asked or unasked; the bot is silent from then on.

    Example: isoko telegram hand-over take 0788000001 --by amina
    """
    msisdn = read_msisdn(number, load_settings().hub.country) or ""

    def work(db: Connection, name: str, now: datetime) -> Outcome | str:
        contact = people.by_msisdn(db, msisdn)
        if contact is None:
            return "nobody"
        outcome, chat = hand_overs.take_of(db, contact.id, name, now)
        typer.echo(f"chat {chat}")
        return outcome

    _as_staff(by, work)


@app.command("say")
def say(chat: _Id, text: Annotated[str, typer.Argument(help="What to write")], by: _By) -> None:
    """Write in a chat that you have taken.

    Example: isoko telegram hand-over say 3 "Mwaramutse" --by amina
    """
    key = f"staff:{chat}:{secrets.token_hex(8)}"
    _as_staff(by, lambda db, name, now: hand_over_lines.say(db, chat, name, text, key, now))


@app.command("back")
def back(chat: _Id, by: _By) -> None:
    """Give a chat back to the bot, which goes on where it stood.

    Example: isoko telegram hand-over back 3 --by amina
    """
    _as_staff(by, lambda db, name, now: hand_overs.give_back(db, chat, name, now))


def _as_staff(by: str, work: Callable[[Connection, str, datetime], str]) -> None:
    now = datetime.now(UTC)

    def as_member(db: Connection) -> str:
        member = answerer(db, by)
        return "not_staff" if member is None else work(db, member.name, now)

    outcome = _do(as_member)
    typer.echo(_SAID[outcome], err=outcome != "done")
    if outcome != "done":
        raise typer.Exit(1)


def _do(work: Callable[[Connection], _T]) -> _T:
    load_catalogues()
    return done(work)
