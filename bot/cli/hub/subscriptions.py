"""`isoko hub subscribe`, `list`, `rotate`, `test`, `disable`, `enable`, `replay`, `recover`."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, func, select

from bot.cli.store import done
from bot.hub.addresses import why_not_now
from bot.i18n.ticket_sentences import DeliveryTrouble
from bot.market import hub_news, subscriptions
from bot.market.hub_news import NEWS_TYPES
from bot.settings import load_settings
from bot.storage import outbox
from bot.storage.schema import outbox as rows

_Which = Annotated[int, typer.Argument(help="The subscription's number: isoko hub list")]


def subscribe(
    url: Annotated[str, typer.Argument(help="Where to deliver: https, port 443 or 8443")],
    types: Annotated[str, typer.Option(help="Which types, with commas; all when left out")] = "",
) -> None:
    """Tell a receiver of all that happens. Its secret is shown once, here.

    Example: isoko hub subscribe https://hub.example/hook --types order.accepted,order.expired
    """
    settings = load_settings()
    wanted = tuple(one.strip() for one in types.split(",") if one.strip())
    unknown = [one for one in wanted if one not in NEWS_TYPES]
    if unknown:
        _fail(f"{unknown[0]} is no type; there are {', '.join(NEWS_TYPES)}")
    wrong = asyncio.run(why_not_now(url, private=settings.marketplace.private_receivers))
    if wrong:
        _fail(f"{url[:200]} is refused: {wrong}")
    number, secret = done(
        lambda db: subscriptions.subscribe(db, url, wanted, datetime.now(UTC)), settings
    )
    typer.echo(f"subscription {number}; its secret, shown only now: {secret}")


def listed() -> None:
    """Every receiver, how it does, and how much waits for it.

    Example: isoko hub list
    """
    now = datetime.now(UTC)
    found, counts = done(lambda db: (subscriptions.all_of_them(db, now), _counts(db)))
    table = Table("no", "url", "types", "state", "failures", "waiting", "dead")
    for one in found:
        state = one.state if not one.why else f"{one.state}: {one.why}"
        if one.rests_until is not None and one.rests_until > now:
            state += f", rests until {one.rests_until:%H:%M} UTC"
        waiting, dead = (str(counts.get((one.via, kind), 0)) for kind in ("waiting", "dead"))
        types = " ".join(one.types)
        table.add_row(str(one.id), one.url, types, state, str(one.failures), waiting, dead)
    Console(soft_wrap=True).print(table)


def rotate(
    which: _Which,
    overlap_hours: Annotated[float, typer.Option(help="How long the old one signs too")] = 24.0,
) -> None:
    """Give a receiver a new secret; for a while both sign, so that no delivery fails.

    Example: isoko hub rotate 1 --overlap-hours 48
    """
    overlap, now = timedelta(hours=overlap_hours), datetime.now(UTC)
    secret = done(lambda db: subscriptions.rotate(db, which, overlap, now))
    if secret is None:
        _fail(f"there is no subscription {which}")
    typer.echo(f"the new secret, shown only now: {secret}")


def test(which: _Which) -> None:
    """Send a receiver a test.ping; the running server delivers it.

    Example: isoko hub test 1
    """
    now, key = datetime.now(UTC), secrets.token_hex(8)

    def send(db: Connection) -> str:
        if subscriptions.by_id(db, which, now) is None:
            return ""
        return hub_news.put(db, which, "test.ping", f"t{key[:8]}", key, {"test": True}, now)

    event_id = done(send)
    if not event_id:
        _fail(f"there is no subscription {which}")
    typer.echo(f"{event_id} is on its way; isoko hub list shows what became of it")


def disable(which: _Which) -> None:
    """Deliver nothing to a receiver; what is due to it is kept.

    Example: isoko hub disable 1
    """
    if not done(lambda db: subscriptions.disable(db, which, DeliveryTrouble.BY_HAND)):
        _fail(f"there is no active subscription {which}")
    typer.echo("disabled: nothing is delivered there, and nothing is lost")


def enable(which: _Which) -> None:
    """Deliver to a receiver again, what has waited longest first.

    Example: isoko hub enable 1
    """
    if not done(lambda db: subscriptions.enable(db, which)):
        _fail(f"there is no subscription {which}")
    typer.echo("enabled; what failed for good meanwhile: isoko hub recover")


def replay(
    which: _Which,
    event_id: Annotated[str, typer.Argument(help="The event's id, as evt_…")],
) -> None:
    """Send one event again that failed for good, under its old id.

    Example: isoko hub replay 1 evt_0f1e2d3c
    """
    now = datetime.now(UTC)
    if not done(lambda db: outbox.replay(db, f"hook:{which}:{event_id}", now)):
        _fail("there is no such dead letter: isoko hub list counts them")
    typer.echo("it waits to be sent again")


def recover(
    which: _Which,
    hours: Annotated[float, typer.Option(help="Of how many hours back")] = 24 * 14.0,
) -> None:
    """Send all again that failed for good, in the old order.

    Example: isoko hub recover 1 --hours 72
    """
    now = datetime.now(UTC)
    since, via = now - timedelta(hours=hours), subscriptions.via_of(which)
    count = done(lambda db: outbox.replay_all(db, via, since, now))
    typer.echo(f"{count} wait to be sent again")


def _counts(db: Connection) -> dict[tuple[str, str], int]:
    query = select(rows.c.via, rows.c.state, func.count()).where(rows.c.kind == hub_news.KIND)
    found = db.execute(query.group_by(rows.c.via, rows.c.state)).all()
    return {(row[0], row[1]): row[2] for row in found}


def _fail(why: str) -> NoReturn:
    typer.echo(f"isoko: {why}", err=True)
    raise typer.Exit(1)
