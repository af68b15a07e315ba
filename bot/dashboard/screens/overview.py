"""The first screen: how things stand now."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.calls import Calls
from bot.dashboard.screens.counts import Counts, counts
from bot.dashboard.screens.fresh import Fresh
from bot.dashboard.screens.ticket_desk import CATEGORY_WORDS
from bot.i18n.formats import local_day
from bot.market import Market


class Overview:
    """The page Now; its figures are shared by all who look on."""

    def __init__(self, market: Market, pages: Pages, calls: Calls, stale_after_days: int) -> None:
        self._market, self._pages, self._calls = market, pages, calls
        self._stale_after_days = stale_after_days
        self._counts: Fresh[Counts] = Fresh(self._read_counts)

    async def _read_counts(self) -> Counts:
        rules = self._market.payouts
        return await self._market.records.read(lambda db: counts(db, rules, datetime.now(UTC)))

    async def now(self, request: web.Request) -> web.Response:
        """Everything that goes on or waits, as figures that lead on."""
        visitor = request[VISITOR]
        figures, live = await self._counts.get(), await self._calls.live.get()
        today = local_day(datetime.now(UTC), self._market.hub.timezone)
        newest = figures.newest_price
        age_days = (today - newest).days if newest else -1
        return self._pages.page(
            "now.html",
            visitor.member,
            visitor.form,
            figures=figures,
            live=live,
            words=CATEGORY_WORDS,
            price_age_days=age_days,
            prices_stale=age_days > self._stale_after_days,
            utc_now=datetime.now(UTC),
        )
