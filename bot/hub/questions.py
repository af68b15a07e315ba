"""What the hub may ask: signed GETs under /hub/, where the path stands in place of a body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from bot.hub.answers import (
    LineStanding,
    Offered,
    OrderStanding,
    Stock,
    answered,
    problem,
)
from bot.hub.event_types import SOURCE
from bot.hub.pacing import Pacing
from bot.hub.signing import Forged, verify
from bot.i18n import speaking
from bot.market import booking_news, bookings, hub_orders, products, stock_shown
from bot.market.products import PRODUCTS
from bot.market.stock_shown import Shown
from bot.storage.records import Records, RecordsDown

_STOCK_AT_ONCE = "50"
_STOCK_MAX = 100
# A picture that is a page of its own runs nothing, and is of no use to whoever else finds it.
_PICTURE = {
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


class HubQuestions:
    """The routes; each says 401 before anything is looked for."""

    def __init__(
        self,
        records: Records,
        secrets: Sequence[str],
        forged: Callable[[str], web.Response],
        pacing: Pacing,
    ) -> None:
        self._records, self._secrets, self._forged = records, tuple(secrets), forged
        self._pacing = pacing

    def mount(self, app: web.Application) -> None:
        """Add the routes to `app`."""
        for path, answers in (
            ("/hub/orders/{order_id}", self.order),
            ("/hub/bookings/{booking_id}", self.booking),
            ("/hub/stock", self.stock),
            ("/hub/photos/{photo_id:[0-9]{1,15}}.jpg", self.photo),
        ):
            app.router.add_get(path, self._signed(answers))

    async def order(self, request: web.Request) -> web.Response:
        """Where an order stands: the hub's own, or that of the shop named as `source`."""
        order_id = request.match_info["order_id"]
        source = request.query.get("source") or SOURCE
        lines = await self._records.read(lambda db: hub_orders.progress(db, source, order_id))
        if not lines:
            return problem(404, "no such order was taken")
        standing = msgspec.convert(lines, tuple[LineStanding, ...], from_attributes=True)
        return answered(OrderStanding(order_id, standing))

    async def booking(self, request: web.Request) -> web.Response:
        """Where a request to visit stands."""
        code = request.match_info["booking_id"]
        booking = await self._records.read(lambda db: bookings.by_code(db, code))
        if booking is None:
            return problem(404, "no such request was passed on")
        return web.json_response(booking_news.about(booking))

    async def stock(self, request: web.Request) -> web.Response:
        """A page of what people offer: nobody is named, and no place but the district."""
        query = request.query
        product = query.get("product", "")
        after, limit = _number(query.get("after", "0")), _number(query.get("limit", _STOCK_AT_ONCE))
        if after is None or limit is None or not 0 < limit <= _STOCK_MAX:
            return problem(422, f"after is an id, and limit is 1 to {_STOCK_MAX}")
        if product and product not in PRODUCTS:
            return problem(422, "nothing of this product is traded here")
        # One more tells whether there is another page.
        found = await self._records.read(lambda db: stock_shown.page(db, after, limit + 1, product))
        rest = {"limit": limit} | ({"product": product} if product else {})
        more = len(found) > limit
        next_one = (
            f"/hub/stock?{urlencode({'after': found[limit - 1].id} | rest)}" if more else None
        )
        with speaking("en"):
            return answered(Stock(tuple(map(_offered, found[:limit])), next_one))

    async def photo(self, request: web.Request) -> web.Response:
        """A photo that staff have let through, of what is offered now."""
        photo_id = int(request.match_info["photo_id"])
        jpeg = await self._records.read(lambda db: stock_shown.picture(db, photo_id))
        if jpeg is None:
            return problem(404, "there is no such photo to see")
        return web.Response(body=jpeg, content_type="image/jpeg", headers=_PICTURE)

    def _signed(self, answers: Any) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                path = request.raw_path.encode("utf-8", "surrogateescape")
                verify(path, request.headers, self._secrets)
            except Forged as why:
                return self._forged(str(why))
            # Only now, so that who cannot sign keeps nobody out; its two keys are one hub.
            if (refused := self._pacing.refusal(SOURCE)) is not None:
                return refused
            try:
                response: web.Response = await answers(request)
            except RecordsDown:
                return problem(503, "the records are out of reach")
            return response

        return handle


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _offered(shown: Shown) -> Offered:
    return Offered(
        id=shown.id,
        product=shown.product,
        name=products.name(shown.product),
        grade=shown.grade,
        units=shown.units,
        unit=PRODUCTS[shown.product].unit,
        price_rwf=shown.price_rwf,
        district=shown.district,
        harvested_on=shown.harvested_on,
        photos=tuple(f"/hub/photos/{number}.jpg" for number in shown.photos),
    )
