"""Open tickets: read one, close it with a note."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from bot.dashboard.access.roles import ANSWERERS, REVEALERS
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import number_checks, pin_resets, whole_number
from bot.dashboard.screens.asked import id_asked
from bot.dashboard.screens.reveal import REASONS
from bot.dashboard.screens.ticket_desk import (
    CATEGORY_WORDS,
    NOTE_MOST,
    Ticket,
    close_ticket,
    msisdn_of_ticket,
    open_by_category,
    open_tickets,
    ticket_by_code,
)
from bot.dashboard.screens.whole_number import Whose
from bot.market import Market, verifying


class Tickets:
    """The tickets' pages."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._hub, self._pages = market.records, market.hub, pages

    async def listed(self, request: web.Request) -> web.Response:
        """The open ones, the oldest first; the address keeps the filter and the page."""
        visitor = request[VISITOR]
        category, after = request.query.get("category", ""), id_asked(request, "after")
        ours = self._hub.help_msisdn
        found, following = await self._records.read(
            lambda db: open_tickets(db, category, after, ours)
        )
        return self._pages.page(
            "tickets.html",
            visitor.member,
            visitor.form,
            tickets=found,
            following=following,
            category=category if category in CATEGORY_WORDS else "",
            by_category=await self._records.read(open_by_category),
            words=CATEGORY_WORDS,
            closed=request.query.get("closed", "")[:12],
        )

    async def one(self, request: web.Request) -> web.Response:
        """One ticket, and the form that closes it."""
        return self._page(request, await self._found(request))

    async def close(self, request: web.Request) -> web.Response:
        """Close it; a note is needed, and only the first to close it does."""
        visitor = request[VISITOR]
        ticket, now = await self._found(request), datetime.now(UTC)
        said = " ".join((await fields_of(request)).get("note", "").split())
        if not said:
            return self._page(request, ticket, "empty", 422)
        by = visitor.member.name
        outcome = await self._records.write(lambda db: close_ticket(db, ticket.code, said, by, now))
        if outcome != "closed":
            return self._page(request, await self._found(request), outcome, 409, said)
        raise web.HTTPSeeOther(f"/dashboard/tickets?closed={ticket.code}")

    async def reveal(self, request: web.Request) -> web.Response:
        """The whole number to call back, for a minute, on record."""
        ticket = await self._found(request)
        if not ticket.number:
            raise web.HTTPNotFound
        read = partial(msisdn_of_ticket, code=ticket.code)
        back = f"/dashboard/tickets/{ticket.code}"
        whose = Whose(f"ticket {ticket.code}", ticket.name, back, read)
        return await whole_number.show(self._records, self._pages, request, whose)

    async def _found(self, request: web.Request) -> Ticket:
        code, ours = request.match_info["code"], self._hub.help_msisdn
        found = await self._records.read(lambda db: ticket_by_code(db, code, ours))
        if found is None:
            raise web.HTTPNotFound
        return found

    def _page(
        self,
        request: web.Request,
        ticket: Ticket,
        problem: str = "",
        status: int = 200,
        note: str = "",
    ) -> web.Response:
        visitor = request[VISITOR]
        role = visitor.member.role
        return self._pages.page(
            "ticket.html",
            visitor.member,
            visitor.form,
            status=status,
            ticket=ticket,
            problem=problem,
            note=note,
            said=_said(request),
            words=CATEGORY_WORDS,
            may_close=role in ANSWERERS and ticket.state != "closed" and not ticket.money,
            may_reset=role in ANSWERERS
            and ticket.state == "open"
            and ticket.category == "pin_forgotten",
            may_check=role in ANSWERERS
            and ticket.state == "open"
            and ticket.category in verifying.CHECKS
            and bool(ticket.number),
            may_reveal=role in REVEALERS and bool(ticket.number),
            reasons=REASONS,
            note_most=NOTE_MOST,
        )


def _said(request: web.Request) -> str:
    """What came of a button about the PIN or the number."""
    about_pin = pin_resets.OUTCOMES.get(request.query.get("pin", ""), "")
    return about_pin or number_checks.OUTCOMES.get(request.query.get("number", ""), "")
