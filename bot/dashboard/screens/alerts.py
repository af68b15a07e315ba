"""What staff are alerted of: what is raised now, what is over, what is muted."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.market import Market, staff_alerts


class Alerts:
    """The alerts' page."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def listed(self, request: web.Request) -> web.Response:
        """What is raised, the newest first, then what is over."""
        visitor, now = request[VISITOR], datetime.now(UTC)
        found = await self._records.read(staff_alerts.listed)
        return self._pages.page(
            "alerts.html",
            visitor.member,
            visitor.form,
            alerts=found,
            muted=await self._records.read(lambda db: staff_alerts.mutes(db, now)),
            words=staff_alerts.words_of,
        )
