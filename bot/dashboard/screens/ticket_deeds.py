"""A button of a ticket: done to its number by who is signed in; the page says what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.access import newly_set_up
from bot.dashboard.guard import VISITOR
from bot.dashboard.screens.ticket_desk import msisdn_of_ticket
from bot.storage.records import Records

# What is done: to which number, by which ticket, by whom and when; gives its outcome.
Deed = Callable[[Connection, str, str, str, datetime], str]


async def do(
    records: Records, request: web.Request, deed: Deed, said_as: str, *, by_two: bool = False
) -> NoReturn:
    """Do it, and go back to the ticket with `said_as` and the outcome in the address.

    A ticket that was closed has no number any more: "no_ticket". What is done `by_two` raises
    `NewlySetUp` for who may not take part in it yet.
    """
    code, by, now = request.match_info["code"], request[VISITOR].member.name, datetime.now(UTC)

    def work(db: Connection) -> str:
        if by_two:
            newly_set_up.check(db, by, now)
        msisdn = msisdn_of_ticket(db, code)
        return deed(db, msisdn, code, by, now) if msisdn else "no_ticket"

    outcome = await records.write(work)
    raise web.HTTPSeeOther(f"/dashboard/tickets/{code}?{said_as}={outcome}")
