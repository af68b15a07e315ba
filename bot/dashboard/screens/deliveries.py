"""The page of one webhook delivery, and the one that shows a receiver's new secret."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from bot.dashboard.access.roles import ADMINS, REPLAYERS
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import delivery_deeds
from bot.dashboard.screens.delivery_deeds import OVERLAP_HOURS
from bot.dashboard.screens.delivery_desk import DeliveryPage, one_delivery
from bot.dashboard.screens.webhook_desk import OUT_WORDS, TRIES
from bot.i18n import N_
from bot.market import Market

_PATH = "/dashboard/webhooks/deliveries"
_SAID = {
    "again": N_("It leaves now, under its old id."),
    "sooner": N_("It leaves now, not when it was due."),
    "arrived": N_("It has arrived. Say that it is to be sent a second time."),
    "emptied": N_("What it said is not kept any more: it cannot be sent again."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
}


class Deliveries:
    """The page of one delivery."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def one(self, request: web.Request) -> web.Response:
        """Its tries, what was sent and to whom."""
        visitor, now = request[VISITOR], datetime.now(UTC)
        found, role = await self._found(request, now), visitor.member.role
        return self._pages.page(
            "delivery.html",
            visitor.member,
            visitor.form,
            found=found,
            words=OUT_WORDS,
            most=TRIES,
            utc_now=now,
            seal=delivery_deeds.seal_of(found.receiver) if found.receiver else "",
            hours=OVERLAP_HOURS,
            said=_SAID.get(request.query.get("said", ""), ""),
            may_replay=role in REPLAYERS,
            may_rotate=role in ADMINS and found.receiver is not None,
        )

    async def send_now(self, request: web.Request) -> web.Response:
        """Let it leave at once."""
        now, by = datetime.now(UTC), request[VISITOR].member
        number = (await self._found(request, now)).id
        twice = (await fields_of(request)).get("twice") == "yes"
        said = await self._records.write(
            lambda db: delivery_deeds.send_now(db, number, by, now, twice=twice)
        )
        raise web.HTTPSeeOther(f"{_PATH}/{number}?said={said}")

    async def rotate(self, request: web.Request) -> web.Response:
        """A new secret for a receiver: shown in this answer, and never again."""
        visitor, now = request[VISITOR], datetime.now(UTC)
        number, form = int(request.match_info["id"]), await fields_of(request)
        hours, seen, by = form.get("hours", ""), form.get("seen", ""), visitor.member
        if hours not in map(str, OVERLAP_HOURS):
            raise web.HTTPBadRequest
        secret = await self._records.write(
            lambda db: delivery_deeds.rotate(db, number, by, seen, int(hours), now)
        )
        return self._pages.page(
            "new_secret.html",
            visitor.member,
            visitor.form,
            status=200 if secret else 409,
            number=number,
            secret=secret or "",
            hours=int(hours),
        )

    async def _found(self, request: web.Request, now: datetime) -> DeliveryPage:
        number = int(request.match_info["id"])
        found = await self._records.read(lambda db: one_delivery(db, number, now))
        if found is None:
            raise web.HTTPNotFound
        return found
