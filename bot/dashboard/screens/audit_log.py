"""The audit: read, narrowed, and checked line by line."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import address, before_asked, text_asked
from bot.dashboard.screens.audit_desk import lines_page
from bot.dashboard.screens.audit_words import action_word
from bot.dashboard.screens.export_tables import may_export
from bot.market import Market
from bot.storage import audit_chain
from bot.storage.audit_chain import Chain

_PATH = "/dashboard/audit"


class AuditLog:
    """The audit's pages."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages
        self._checking: asyncio.Task[Chain] | None = None

    async def listed(self, request: web.Request) -> web.Response:
        """The newest lines first."""
        return await self._page(request, None)

    async def check(self, request: web.Request) -> web.Response:
        """Compute the chain anew, and say what came of it; who asks meanwhile has that answer."""
        if self._checking is None or self._checking.done():
            work = audit_chain.check(self._records)
            self._checking = asyncio.create_task(work, name="audit check")
        # Who leaves does not take the answer from the others.
        return await self._page(request, await asyncio.shield(self._checking))

    async def _page(self, request: web.Request, chain: Chain | None) -> web.Response:
        visitor = request[VISITOR]
        filters = {name: text_asked(request, name) for name in ("actor", "action", "subject", "ip")}
        before = before_asked(request)
        found, page = await lines_page(self._records, filters, before)
        return self._pages.page(
            "audit.html",
            visitor.member,
            visitor.form,
            lines=found,
            filters=filters,
            action_word=action_word,
            chain=chain,
            next_page=address(_PATH, **filters, before=page.following) if page.following else "",
            partly=page.partly,
            may_export=may_export("audit", visitor.member.role),
        )
