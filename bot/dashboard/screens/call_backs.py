"""The call-backs' desk: who waits to be called, and a button for how it went."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from aiohttp import web

from bot.dashboard.access.roles import ANSWERERS
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import address, id_asked
from bot.dashboard.screens.call_back_desk import OUTCOME_WORDS, tried, waiting
from bot.dashboard.screens.place_words import place_name
from bot.dashboard.screens.ticket_desk import CATEGORY_WORDS
from bot.i18n import N_
from bot.market import Market

_PATH = "/dashboard/call-backs"
_TICKET = re.compile(r"T-[A-Z0-9]{1,8}")
SAID = {
    "noted": N_("Noted. The person stays on the list."),
    "solved": N_("Solved, and the ticket is closed."),
    "verifying": N_("Noted. The number must be checked before it is trusted again."),
    "changed": N_("Somebody else has noted a call since. Nothing was done: look again."),
    "gone": N_("This ticket is closed already. Nothing was done."),
    "undecided": N_(
        "Noted. The ticket stays open: decide on its page who holds the number, or about the PIN."
    ),
    "unsettled": N_("Noted. The ticket stays open, for its money is not settled."),
}


class CallBacks:
    """The desk's page."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._hub, self._pages = market.records, market.hub, pages

    async def listed(self, request: web.Request) -> web.Response:
        """Everybody who waits, who waits longest first."""
        return await self._page(request, request.query.get("said", ""))

    async def tried(self, request: web.Request) -> web.Response:
        """How a call went; what was noted by somebody else meanwhile is looked at first."""
        visitor, now = request[VISITOR], datetime.now(UTC)
        code, fields = request.match_info["code"], await fields_of(request)
        outcome, tries = fields.get("outcome", ""), fields.get("tries", "")
        if outcome not in OUTCOME_WORDS or not (tries.isascii() and tries.isdecimal()):
            raise web.HTTPNotFound
        said, count = "Called back: solved", int(tries[:9])
        ended = await self._records.write(
            lambda db: tried(db, code, outcome, count, said, visitor.member, now)
        )
        if ended in {"changed", "gone"}:
            return await self._page(request, ended, 409)
        raise web.HTTPSeeOther(f"{_PATH}?said={ended}&ticket={code}")

    async def _page(self, request: web.Request, said: str, status: int = 200) -> web.Response:
        visitor, ours, after = request[VISITOR], self._hub.help_msisdn, id_asked(request, "after")
        found, following = await self._records.read(lambda db: waiting(db, after, ours))
        return self._pages.page(
            "call_backs.html",
            visitor.member,
            visitor.form,
            status=status,
            waiting=found,
            next_page=address(_PATH, after=following) if following else "",
            said=SAID.get(said, ""),
            undecided=_code(request) if said == "undecided" else "",
            outcomes=OUTCOME_WORDS,
            words=CATEGORY_WORDS,
            place_name=place_name,
            may_act=visitor.member.role in ANSWERERS,
        )


def _code(request: web.Request) -> str:
    """The ticket that the address names, or ""."""
    code = request.query.get("ticket", "")
    return code if _TICKET.fullmatch(code) else ""
