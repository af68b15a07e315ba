"""The whole number of a person, from their own page: for a reason, a minute, on record."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from bot.dashboard.rendering import Pages
from bot.dashboard.screens import whole_number
from bot.dashboard.screens.one_call import msisdn_of_contact
from bot.dashboard.screens.people_desk import one_person, subject_of
from bot.dashboard.screens.whole_number import Whose
from bot.market import Market


class PersonReveal:
    """The button on the person's page."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def show(self, request: web.Request) -> web.Response:
        """The number; 404 for who has none, 429 past twenty looks in an hour."""
        contact_id, now = int(request.match_info["id"]), datetime.now(UTC)
        found = await self._records.read(lambda db: one_person(db, contact_id, now))
        if found is None or not found.row.number:
            raise web.HTTPNotFound
        read = partial(msisdn_of_contact, contact_id=contact_id)
        back = f"/dashboard/people/{contact_id}"
        whose = Whose(subject_of(contact_id), found.row.name, back, read)
        return await whole_number.show(self._records, self._pages, request, whose)
