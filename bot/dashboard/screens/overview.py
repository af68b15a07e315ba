"""The first screen: how things stand now."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from aiohttp import web

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.call_back_desk import CATEGORIES
from bot.dashboard.screens.calls import Calls
from bot.dashboard.screens.chart import HEIGHT, WIDTH, path, shown
from bot.dashboard.screens.counts import Counts, counts
from bot.dashboard.screens.fresh import Fresh
from bot.dashboard.screens.health import Health
from bot.dashboard.screens.pulse import Pulse, faulty, p
from bot.dashboard.screens.ticket_desk import CATEGORY_WORDS
from bot.i18n.formats import local_day
from bot.market import Market


def fresh_counts(market: Market) -> Fresh[Counts]:
    """What waits, read once a second for all who look on."""
    rules = market.payouts

    async def read() -> Counts:
        return await market.records.read(lambda db: counts(db, rules, datetime.now(UTC)))

    return Fresh(read)


class Overview:
    """The page Now; its figures are shared by all who look on."""

    def __init__(
        self,
        market: Market,
        pages: Pages,
        calls: Calls,
        health: Health,
        counted: Fresh[Counts],
        stale_after_days: int,
    ) -> None:
        self._market, self._pages, self._calls = market, pages, calls
        self._health, self._counts = health, counted
        self._stale_after_days = stale_after_days

    async def now(self, request: web.Request) -> web.Response:
        """Everything that goes on or waits, as figures that lead on."""
        visitor = request[VISITOR]
        figures, live = await self._counts.get(), await self._calls.live.get()
        lately, (raised, _out) = await self._health.lately(), await self._health.troubles()
        today = local_day(datetime.now(UTC), self._market.hub.timezone)
        # Of the board in memory, which is read again when prices came: there are very many.
        board = self._market.prices
        newest = board.newest_on
        age_days = (today - newest).days if newest else -1
        return self._pages.page(
            "now.html",
            visitor.member,
            visitor.form,
            figures=figures,
            newest_price=newest,
            products_priced=len(board.products()),
            live=live,
            lights=await self._health.lights(),
            pulse=_pulse(lately),
            raised=raised,
            call_backs=sum(figures.tickets.get(category, 0) for category in CATEGORIES),
            words=CATEGORY_WORDS,
            price_age_days=age_days,
            prices_stale=age_days > self._stale_after_days,
            utc_now=datetime.now(UTC),
        )

    async def stamp(self) -> str:
        """Another text once a figure on the page is another."""
        live = await self._calls.live.get()
        troubles, lately = await self._health.troubles(), await self._health.lately()
        there = await self._counts.get(), live.count, live.at_risk, live.hops_a_minute, troubles
        board = self._market.prices
        said = repr((there, lately.lately, board.newest_on, board.products())).encode()
        return blake2b(said, digest_size=8).hexdigest()


def _pulse(lately: Pulse) -> dict[str, Any]:
    """What the tiles say of the last minutes, each with its line of an hour."""
    p95, hops = lately.line(p(0.95)), lately.line(lambda one: one.answered)
    faults = lately.line(faulty)
    lines = {"hops": hops, "p95": p95, "faults": faults}
    drawn = {
        name: path(points, max((point for point in points if point is not None), default=0))
        for name, points in lines.items()
    }
    return {
        "p95": shown(p(0.95)(lately.lately)),
        "faults": shown(faulty(lately.lately)),
        "paths": drawn,
        "width": WIDTH,
        "height": HEIGHT,
    }
