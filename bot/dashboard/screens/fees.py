"""What is taken of a price: published, and what waits for a second person to approve it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.access import newly_set_up
from bot.dashboard.access.roles import MONEY
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.i18n import N_
from bot.market import Market, fee_changes, price_fees
from bot.market.fee_changes import Outcome

_PATH = "/dashboard/fees"
_SAID: dict[str, str] = {
    "approved": N_("Published. Farmers see them within 15 seconds."),
    "withdrawn": N_("Withdrawn. Nothing was changed."),
    "gone": N_("No effect: this was done already, or is not needed any more."),
    "same_person": N_("You have asked for this. A second, different person must do it."),
    "taken": N_("That day has its fees by now. Withdraw these."),
}


class FeePages:
    """The page of fees."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages, self._hub = market.records, pages, market.hub.id

    async def listed(self, request: web.Request) -> web.Response:
        """What waits first, then what was published, the newest day first."""
        visitor, read, hub = request[VISITOR], self._records.read, self._hub
        return self._pages.page(
            "fees.html",
            visitor.member,
            visitor.form,
            waiting=await read(lambda db: fee_changes.waiting(db, hub)),
            published=await read(lambda db: price_fees.every_one(db, hub)),
            said=_SAID.get(request.query.get("said", ""), ""),
            may_decide=visitor.member.role in MONEY,
        )

    async def approve(self, request: web.Request) -> web.Response:
        """Publish what somebody else has asked for."""

        def work(db: Connection, hub: str, number: int, by: str, now: datetime) -> Outcome:
            newly_set_up.check(db, by, now)
            return fee_changes.approve(db, hub, number, by, now)

        return await self._do(request, work)

    async def withdraw(self, request: web.Request) -> web.Response:
        """Publish nothing of it."""
        return await self._do(request, fee_changes.withdraw)

    async def _do(
        self, request: web.Request, deed: Callable[[Connection, str, int, str, datetime], Outcome]
    ) -> web.Response:
        number, by = int(request.match_info["id"]), request[VISITOR].member.name
        hub, now = self._hub, datetime.now(UTC)
        said = await self._records.write(lambda db: deed(db, hub, number, by, now))
        raise web.HTTPSeeOther(f"{_PATH}?said={said}")
