"""The page with a whole number on it, the same wherever the button stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.reveal import AN_HOUR, REASONS, SECONDS, reveal
from bot.storage.records import Records


@dataclass(frozen=True, slots=True)
class Whose:
    """A number that is asked for: what the audit calls it, who it is, and where the page was."""

    subject: str
    name: str
    back: str
    read: Callable[[Connection], str]


async def show(records: Records, pages: Pages, request: web.Request, whose: Whose) -> web.Response:
    """The number for a minute, for a reason, on record; 429 past twenty looks in an hour."""
    reason, by = (await fields_of(request)).get("reason", ""), request[VISITOR].member.name
    if reason not in REASONS:
        raise web.HTTPNotFound
    now = datetime.now(UTC)
    # On record before anybody has seen it.
    shown = await records.write(lambda db: reveal(db, whose.subject, reason, by, now))
    if not shown:
        return too_many(pages, request, whose.name, whose.back)
    return _page(pages, request, whose.name, whose.back, await records.read(whose.read))


def too_many(pages: Pages, request: web.Request, name: str, back: str) -> web.Response:
    """No number: they have looked at too many within an hour."""
    return _page(pages, request, name, back, "", 429)


def _page(
    pages: Pages, request: web.Request, name: str, back: str, number: str, status: int = 200
) -> web.Response:
    visitor = request[VISITOR]
    return pages.page(
        "reveal.html",
        visitor.member,
        visitor.form,
        status=status,
        number=number,
        name=name,
        back=back,
        seconds=SECONDS,
        an_hour=AN_HOUR,
    )
