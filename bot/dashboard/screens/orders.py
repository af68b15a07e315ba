"""Orders: a list that can be narrowed, and one order from its offer to its money."""

from __future__ import annotations

from aiohttp import web

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import address, before_asked, choice_asked, text_asked
from bot.dashboard.screens.code_words import word_of
from bot.dashboard.screens.export_tables import may_export
from bot.dashboard.screens.order_desk import OFFER_WORDS, one_order, orders_page
from bot.dashboard.screens.payment_words import STATE_WORDS
from bot.market import Market, products
from bot.market.products import PRODUCTS

_PATH = "/dashboard/orders"


class Orders:
    """The orders' pages."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def listed(self, request: web.Request) -> web.Response:
        """The newest first; the address keeps the filters and the page."""
        visitor = request[VISITOR]
        filters = {
            "q": text_asked(request, "q"),
            "product": choice_asked(request, "product", PRODUCTS),
            "state": choice_asked(request, "state", OFFER_WORDS),
        }
        before = before_asked(request)
        found, following = await self._records.read(lambda db: orders_page(db, filters, before))
        return self._pages.page(
            "orders.html",
            visitor.member,
            visitor.form,
            orders=found,
            filters=filters,
            next_page=address(_PATH, **filters, before=following) if following else "",
            products={code: products.name(code) for code in PRODUCTS},
            words=OFFER_WORDS,
            may_export=may_export("orders", visitor.member.role),
        )

    async def one(self, request: web.Request) -> web.Response:
        """One order: its shares, its offers with their lives, and their payments."""
        visitor, code = request[VISITOR], request.match_info["code"]
        order = await self._records.read(lambda db: one_order(db, code))
        if order is None:
            raise web.HTTPNotFound
        return self._pages.page(
            "order.html",
            visitor.member,
            visitor.form,
            word=word_of,
            order=order,
            product=products.name(order.row.product),
            words=OFFER_WORDS,
            payment_words=STATE_WORDS,
        )
