"""The whole number of a person, from their own page: for a reason, a minute, on record."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.one_call import msisdn_of_contact
from bot.dashboard.screens.people_desk import one_person, subject_of
from bot.dashboard.screens.reveal import AN_HOUR, REASONS, SECONDS, reveal
from bot.market import Market


class PersonReveal:
    """The button on the person's page."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def show(self, request: web.Request) -> web.Response:
        """The number; 404 for who has none, 429 past twenty looks in an hour."""
        visitor, now = request[VISITOR], datetime.now(UTC)
        contact_id, reason = (
            int(request.match_info["id"]),
            (await fields_of(request)).get("reason", ""),
        )
        found = await self._records.read(lambda db: one_person(db, contact_id, now))
        if found is None or not found.row.number or reason not in REASONS:
            raise web.HTTPNotFound
        subject, by = subject_of(contact_id), visitor.member.name
        shown = await self._records.write(lambda db: reveal(db, subject, reason, by, now))
        msisdn = await self._records.read(lambda db: msisdn_of_contact(db, contact_id))
        return self._pages.page(
            "reveal.html",
            visitor.member,
            visitor.form,
            status=200 if shown else 429,
            number=msisdn if shown else "",
            name=found.row.name,
            back=f"/dashboard/people/{contact_id}",
            seconds=SECONDS,
            an_hour=AN_HOUR,
        )
