"""`isoko stock photos`: photos that people sent of what they offer, checked by staff."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.cli.store import done
from bot.i18n import load_catalogues
from bot.market import stock_photos

_SAID = {
    "shown": "shown from now on; the person is told in the chat",
    "refused": "refused, and the picture deleted; the person is told in the chat",
    "before": "NOT changed: somebody has decided about this photo already",
    "gone": "there is no such photo",
    "not_staff": "NOT changed: --by must be an agent or supervisor who has set up their account: "
    "isoko staff list",
}

app = typer.Typer(no_args_is_help=True, help="Photos of stock, shown once staff have checked them.")
_Id = Annotated[int, typer.Argument(help="The photo's number in `isoko stock photos list`")]
_By = Annotated[str, typer.Option(help="Who has looked at it; an account of `isoko staff`")]


@app.callback()
def _group() -> None:
    """Photos of stock, shown once staff have checked them.

    Example: isoko stock photos list
    """


@app.command("list")
def list_all(
    state: Annotated[str, typer.Option(help="waiting, shown or refused")] = "waiting",
) -> None:
    """The photos in a state, the oldest first.

    Example: isoko stock photos list --state shown
    """
    found = done(lambda db: stock_photos.listed(db, state))
    table = Table("photo", "stock", "sent", "state", "by")
    for one in found:
        sent = f"{one.sent_at:%d/%m/%Y %H:%M} UTC"
        table.add_row(str(one.id), str(one.listing_id), sent, one.state, one.decided_by)
    Console().print(table if found else f"no photo is {state}")


@app.command("save")
def save(
    photo: _Id, file: Annotated[Path, typer.Argument(help="Where to; it must not be there")]
) -> None:
    """Write a photo to a file, to look at it. It is a JPEG that was made anew.

    Example: isoko stock photos save 7 photo-7.jpg
    """
    found = done(lambda db: stock_photos.by_id(db, photo))
    if found is None or not found[1]:
        typer.echo("there is no such photo, or it was refused and deleted", err=True)
        raise typer.Exit(1)
    try:
        with file.open("xb") as out:
            out.write(found[1])
    except OSError as error:
        typer.echo(f"cannot write {file}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{file}: {len(found[1])} bytes, {found[0].state}")


@app.command("show")
def show(photo: _Id, by: _By) -> None:
    """Show a photo to buyers. Ends with 1 when nothing was changed.

    Example: isoko stock photos show 7 --by amina
    """
    _decide(photo, by, shown=True)


@app.command("refuse")
def refuse(photo: _Id, by: _By) -> None:
    """Refuse a photo; its picture is deleted. Ends with 1 when nothing was changed.

    Example: isoko stock photos refuse 7 --by amina
    """
    _decide(photo, by, shown=False)


def _decide(photo: int, by: str, *, shown: bool) -> None:
    load_catalogues()
    now = datetime.now(UTC)
    outcome = done(lambda db: stock_photos.decide(db, photo, by, shown=shown, now=now))
    good = outcome in ("shown", "refused")
    typer.echo(_SAID[outcome], err=not good)
    if not good:
        raise typer.Exit(1)
