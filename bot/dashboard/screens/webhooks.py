"""Webhooks: what came in, what leaves, and doing either again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.access.members import Member
from bot.dashboard.access.roles import REPLAYERS
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import webhook_deeds
from bot.dashboard.screens.asked import address, before_asked, choice_asked
from bot.dashboard.screens.recovering import Recoveries
from bot.dashboard.screens.ticket_words import trouble_spoken
from bot.dashboard.screens.webhook_desk import (
    IN_WORDS,
    OUT_WORDS,
    callbacks_page,
    deliveries_page,
    events_page,
    receivers,
)
from bot.i18n import N_
from bot.market import Market

_PATH = "/dashboard/webhooks"
# A small job is over by then.
_MOMENT_S = 1.0
_SAID = {
    "again": N_("It waits to be tried again, under its old id."),
    "asked": N_("The operator is asked now. Load the page again in a moment."),
    "duplicate": N_("No effect: this was done already, or is not needed any more."),
    "on": N_("It is delivered to again, what has waited longest first."),
    "off": N_("Nothing is delivered there, and nothing is lost."),
    "tested": N_("A test is on its way."),
    "recovering": N_("{n} are being sent again. You may close this page."),
    "recovered": N_("{n} wait to be sent again."),
}


class Webhooks:
    """The pages of what comes in and what leaves."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages
        self.recoveries = Recoveries(market.records)

    async def came(self, request: web.Request) -> web.Response:
        """What the hub and the operators sent."""
        before, read = before_asked(request), self._records.read
        source = choice_asked(request, "source", ("hub", "operators")) or "hub"
        filters = {"state": choice_asked(request, "state", IN_WORDS) if source == "hub" else ""}
        if source == "hub":
            found, page = await events_page(self._records, filters, before)
        else:
            found, page = await read(lambda db: callbacks_page(db, before))
        older = address(_PATH, source=source, **filters, before=page.following)
        return self._page(
            request, "webhooks_in.html", came=found, source=source, filters=filters,
            words=IN_WORDS, next_page=older if page.following else "", partly=page.partly,
        )  # fmt: skip

    async def leaves(self, request: web.Request) -> web.Response:
        """Every receiver, and the deliveries."""
        before, read, now = before_asked(request), self._records.read, datetime.now(UTC)
        known = await read(lambda db: receivers(db, now))
        numbers = [str(one.of.id) for one in known]
        filters = {
            "state": choice_asked(request, "state", OUT_WORDS),
            "to": choice_asked(request, "to", numbers),
        }
        found, page = await deliveries_page(self._records, filters, before)
        older = address(f"{_PATH}/out", **filters, before=page.following)
        return self._page(
            request, "webhooks_out.html", receivers=known, leaves=found, filters=filters,
            spoken=trouble_spoken,
            jobs=await self.recoveries.under_way(), words=OUT_WORDS, utc_now=now,
            next_page=older if page.following else "", partly=page.partly,
            itself=address(f"{_PATH}/out", **filters, before=before, **_said_in(request)),
        )  # fmt: skip

    async def apply_again(self, request: web.Request) -> web.Response:
        """Try an event of the hub again."""
        return await self._do(request, webhook_deeds.apply_again, _PATH)

    async def hear_again(self, request: web.Request) -> web.Response:
        """Let a callback of an operator make us ask again."""
        return await self._do(request, webhook_deeds.hear_again, f"{_PATH}?source=operators")

    async def send_again(self, request: web.Request) -> web.Response:
        """Send a delivery again."""
        return await self._do(request, webhook_deeds.send_again, f"{_PATH}/out")

    async def recover(self, request: web.Request) -> web.Response:
        """Send all again that was given up for a receiver: a job, whoever closes the browser."""
        number, member = int(request.match_info["id"]), request[VISITOR].member
        job = await self.recoveries.begin(number, member, _MOMENT_S)
        said, count = ("recovered", job.done) if job.over else ("recovering", job.of)
        raise web.HTTPSeeOther(f"{_PATH}/out?said={said}&n={count}")

    async def switch_on(self, request: web.Request) -> web.Response:
        """Deliver to a receiver again."""
        return await self._switch(request, on=True)

    async def switch_off(self, request: web.Request) -> web.Response:
        """Deliver nothing to a receiver."""
        return await self._switch(request, on=False)

    async def test(self, request: web.Request) -> web.Response:
        """Send a receiver a test."""
        return await self._do(request, webhook_deeds.test, f"{_PATH}/out")

    async def _switch(self, request: web.Request, *, on: bool) -> web.Response:
        def work(db: Connection, number: int, by: Member, now: datetime) -> str:
            return webhook_deeds.switch(db, number, by, now, on=on)

        return await self._do(request, work, f"{_PATH}/out")

    async def _do(
        self,
        request: web.Request,
        deed: Callable[[Connection, int, Member, datetime], str],
        back: str,
    ) -> web.Response:
        number, member, now = int(request.match_info["id"]), request[VISITOR].member, _now()
        said = await self._records.write(lambda db: deed(db, number, member, now))
        raise web.HTTPSeeOther(f"{back}{'&' if '?' in back else '?'}said={said}")

    def _page(self, request: web.Request, template: str, **values: Any) -> web.Response:
        visitor, said = request[VISITOR], _said_in(request)
        return self._pages.page(
            template,
            visitor.member,
            visitor.form,
            said=_SAID.get(str(said["said"]), ""),
            said_of=said["n"],
            may_replay=visitor.member.role in REPLAYERS,
            **values,
        )


def _said_in(request: web.Request) -> dict[str, str | int]:
    """What the address says that was done, and of how many."""
    said, count = request.query.get("said", ""), request.query.get("n", "")
    plain = count.isascii() and count.isdecimal() and len(count) < 9
    return {"said": said if said in _SAID else "", "n": int(count) if plain else 0}


def _now() -> datetime:
    return datetime.now(UTC)
