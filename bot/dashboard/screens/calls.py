"""Live calls and one call's transcript."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from bot.conversation import LANGUAGE_NAMES
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import whole_number
from bot.dashboard.screens.board import BLANK, SHOWN_MAX, SILENT_MAX_S, LiveCall, LiveCalls
from bot.dashboard.screens.call_tags import TAGS
from bot.dashboard.screens.feed import Feed
from bot.dashboard.screens.fresh import Fresh
from bot.dashboard.screens.one_call import msisdn_of_contact, one_call
from bot.dashboard.screens.past_calls import Lately, ended_lately
from bot.dashboard.screens.place_words import flow_names, place_name
from bot.dashboard.screens.risk_words import RISK_WORDS
from bot.dashboard.screens.wanted import ALL, CHANNELS, RISKS, wanted_in
from bot.dashboard.screens.whole_number import Whose
from bot.i18n import _
from bot.market import Market

# It goes through thousands of rows, and nobody acts on it.
_ENDED_GOOD_FOR_S = 5.0


class Calls:
    """The calls' pages; figures are shared by all who look on."""

    def __init__(self, market: Market, pages: Pages, feed: Feed) -> None:
        self._records, self._hub, self._pages = market.records, market.hub, pages
        self._feed = feed
        self.live: Fresh[LiveCalls] = Fresh(feed.look)
        self._ended: Fresh[Lately] = Fresh(
            lambda: ended_lately(self._records, self._hub.help_msisdn), _ENDED_GOOD_FOR_S
        )

    async def board(self, request: web.Request) -> web.Response:
        """Every call under way that is wanted, those at risk first; below, what ended lately."""
        visitor, wanted = request[VISITOR], wanted_in(request.query)
        lately = await self._ended.get()
        return self._pages.page(
            "calls.html",
            visitor.member,
            visitor.form,
            live=await (self.live.get() if wanted == ALL else self._feed.look(wanted)),
            ended=[one for one in lately.calls if wanted.fits(one.chat, one.place, one.language)],
            ended_partly=lately.partly,
            shown_max=SHOWN_MAX,
            wanted=wanted,
            channels=CHANNELS,
            tongues=LANGUAGE_NAMES,
            flows=flow_names(),
            risks=RISKS,
            place_name=place_name,
            risks_of=_risks_of,
            tags=TAGS,
            blank=BLANK,
            silent_max_s=SILENT_MAX_S,
        )

    async def reveal(self, request: web.Request) -> web.Response:
        """The caller's whole number, for a minute, on record."""
        row_id = int(request.match_info["id"])
        call = await self._records.read(lambda db: one_call(db, row_id))
        if call is None or not call.contact_id:
            raise web.HTTPNotFound
        read = partial(msisdn_of_contact, contact_id=call.contact_id)
        subject = f"contact {call.contact_id}"
        whose = Whose(subject, call.name, f"/dashboard/calls/{row_id}", read)
        return await whole_number.show(self._records, self._pages, request, whose)


def _risks_of(call: LiveCall) -> list[str]:
    return [_(RISK_WORDS[risk]) for risk in call.risks]
