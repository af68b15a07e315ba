"""Orders: a list that can be narrowed, and one order from its offer to its money."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NoReturn, Protocol

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.access.members import Member
from bot.dashboard.access.roles import ANSWERERS, CALLERS_OFF
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import order_deeds
from bot.dashboard.screens.asked import (
    address,
    before_asked,
    choice_asked,
    id_asked,
    text_asked,
)
from bot.dashboard.screens.code_words import word_of
from bot.dashboard.screens.export_tables import may_export
from bot.dashboard.screens.order_desk import OFFER_WORDS, one_order
from bot.dashboard.screens.order_list import orders_page
from bot.dashboard.screens.payment_words import STATE_WORDS
from bot.i18n import N_
from bot.market import Market, disputes, products
from bot.market.products import PRODUCTS

_PATH = "/dashboard/orders"
_SAID = {
    "cancelled": N_("Called off. What was accepted stands; who receives our webhooks is told."),
    "changed": N_("Somebody has answered since this page was made. Nothing was done: look again."),
    "no_reason": N_("Say why: the next person reads it."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
    "received": N_("Noted: it came to the collection point."),
    "less": N_("Noted. It is lighter than what was accepted: dispute it, if it is not to be paid."),
    "already": N_("Somebody has noted before that it came. Nothing was changed."),
    "no_weight": N_("Say how many kilograms came, as 12 or 12.5."),
    "disputed": N_("Its money waits. The farmer and the hub are told."),
    "resumed": N_("It goes on from where it stood. The farmer and the hub are told."),
    "called_off": N_("It is called off and is not paid. The farmer and the hub are told."),
    "not_now": N_("It does not stand there any more. Nothing was done: look again."),
    "paid": N_("A payout was made already: stop that on its own page."),
    "told": N_("The notice is on its way."),
    "muted": N_("Nothing was sent: the news of this person is muted. See their page."),
    "told_before": N_("Nothing was sent: the notice has left within this hour already."),
}


class _Deed(Protocol):
    def __call__(
        self,
        db: Connection,
        code: str,
        offer_id: int,
        by: Member,
        form: dict[str, str],
        now: datetime,
        /,
    ) -> str: ...


class Orders:
    """The orders' pages."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._market, self._records, self._pages = market, market.records, pages

    async def listed(self, request: web.Request) -> web.Response:
        """The newest first; the address keeps the filters and the page."""
        visitor = request[VISITOR]
        filters = {
            "q": text_asked(request, "q"),
            "product": choice_asked(request, "product", PRODUCTS),
            "state": choice_asked(request, "state", OFFER_WORDS),
        }
        before = before_asked(request)
        found, page = await orders_page(self._records, filters, before)
        return self._pages.page(
            "orders.html",
            visitor.member,
            visitor.form,
            orders=found,
            filters=filters,
            next_page=address(_PATH, **filters, before=page.following) if page.following else "",
            partly=page.partly,
            products={code: products.name(code) for code in PRODUCTS},
            words=OFFER_WORDS,
            payment_words=STATE_WORDS,
            utc_now=datetime.now(UTC),
            may_export=may_export("orders", visitor.member.role),
        )

    async def one(self, request: web.Request) -> web.Response:
        """One order: its shares, its offers with their lives, and their payments."""
        visitor, code = request[VISITOR], request.match_info["code"]
        after = id_asked(request, "after")
        order = await self._records.read(lambda db: one_order(db, code, after))
        if order is None:
            raise web.HTTPNotFound
        return self._pages.page(
            "order.html",
            visitor.member,
            visitor.form,
            word=word_of,
            order=order,
            on_page=address("", after=after),
            next_page=address(f"{_PATH}/{code}", after=order.following) if order.following else "",
            product=products.name(order.row.product),
            words=OFFER_WORDS,
            payment_words=STATE_WORDS,
            said=_SAID.get(request.query.get("said", ""), ""),
            may_cancel=visitor.member.role in CALLERS_OFF
            and (order.row.offered > 0 or order.hub_state == "open"),
            may_notify=visitor.member.role in ANSWERERS,
            may_receive=visitor.member.role in ANSWERERS,
            may_dispute=visitor.member.role in ANSWERERS,
            may_end_dispute=visitor.member.role in CALLERS_OFF,
            disputable=disputes.DISPUTABLE,
        )

    async def cancel(self, request: web.Request) -> web.Response:
        """Call off what nobody has accepted."""
        form, code = await fields_of(request), request.match_info["code"]
        member, now = request[VISITOR].member, datetime.now(UTC)
        said = await self._records.write(lambda db: order_deeds.cancel(db, code, member, form, now))
        raise web.HTTPSeeOther(f"{_PATH}/{code}?said={said}")

    async def notify(self, request: web.Request) -> web.Response:
        """Send the notice of one offer again."""
        code, offer_id = request.match_info["code"], int(request.match_info["id"])
        member, now, market = request[VISITOR].member, datetime.now(UTC), self._market
        said = await self._records.write(
            lambda db: order_deeds.notify(db, market, code, offer_id, member, now)
        )
        _back(request, said)

    async def receive(self, request: web.Request) -> web.Response:
        """Note that one of its parts came to the collection point."""
        return await self._do(request, order_deeds.receive)

    async def dispute(self, request: web.Request) -> web.Response:
        """Stop one of its parts, so that it is not paid."""
        return await self._do(request, order_deeds.dispute)

    async def resume(self, request: web.Request) -> web.Response:
        """Let a disputed part go on."""
        return await self._do(request, order_deeds.resume)

    async def call_off(self, request: web.Request) -> web.Response:
        """Call a disputed part off."""
        return await self._do(request, order_deeds.call_off)

    async def _do(self, request: web.Request, deed: _Deed) -> web.Response:
        code, offer_id = request.match_info["code"], int(request.match_info["id"])
        member, form, now = request[VISITOR].member, await fields_of(request), datetime.now(UTC)
        said = await self._records.write(lambda db: deed(db, code, offer_id, member, form, now))
        _back(request, said)


def _back(request: web.Request, said: str) -> NoReturn:
    """To the part that something was done about, on its page of the order's parts."""
    code, offer_id = request.match_info["code"], request.match_info["id"]
    here = address(f"{_PATH}/{code}", said=said, after=id_asked(request, "after"))
    raise web.HTTPSeeOther(f"{here}#o{offer_id}")
