"""Photos of what people offer: staff look at each, and show it to buyers or refuse it."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.i18n import N_
from bot.market import Market, people, products, stock_listings, stock_photos
from bot.market.stock_photos import Photo
from bot.masking import without_numbers

_SAID = {
    "before": N_("A colleague has decided already. Nothing was changed."),
    "gone": N_("This photo is there no more."),
    "not_staff": N_("Your role decides on no photos."),
}


class Photos:
    """The photos that wait, one of them, and its picture."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def listed(self, request: web.Request) -> web.Response:
        """Those that wait, the oldest first."""
        visitor = request[VISITOR]
        found = await self._records.read(lambda db: stock_photos.listed(db, "waiting"))
        now = datetime.now(UTC)
        return self._pages.page(
            "photos.html", visitor.member, visitor.form, photos=found, utc_now=now
        )

    async def one(self, request: web.Request) -> web.Response:
        """One photo with its two buttons."""
        return await self._page(request)

    async def picture(self, request: web.Request) -> web.Response:
        """The picture itself: the JPEG that we made, never what was sent. 404 of a refused one."""
        found = await self._records.read(lambda db: stock_photos.by_id(db, _id(request)))
        if found is None or not found[1]:
            raise web.HTTPNotFound
        # A browser that opens it alone must take it for a picture, and for nothing else.
        headers = {"Content-Disposition": 'inline; filename="photo.jpg"'}
        return web.Response(body=found[1], content_type="image/jpeg", headers=headers)

    async def show(self, request: web.Request) -> web.Response:
        """Buyers may see it."""
        return await self._decide(request, shown=True)

    async def refuse(self, request: web.Request) -> web.Response:
        """Nobody is shown it, and its picture is deleted."""
        return await self._decide(request, shown=False)

    async def _decide(self, request: web.Request, *, shown: bool) -> web.Response:
        photo_id, by, now = _id(request), request[VISITOR].member.name, datetime.now(UTC)
        outcome = await self._records.write(
            lambda db: stock_photos.decide(db, photo_id, by, shown=shown, now=now)
        )
        if outcome in _SAID:
            return await self._page(request, _SAID[outcome], 409)
        raise web.HTTPSeeOther("/dashboard/photos")

    async def _page(
        self, request: web.Request, problem: str = "", status: int = 200
    ) -> web.Response:
        visitor = request[VISITOR]
        found = await self._records.read(lambda db: _read(db, _id(request)))
        if found is None:
            raise web.HTTPNotFound
        photo, has_picture, name, goods = found
        return self._pages.page(
            "photo.html",
            visitor.member,
            visitor.form,
            status=status,
            photo=photo,
            has_picture=has_picture,
            name=name,
            goods=goods,
            problem=problem,
        )


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])


def _read(db: Connection, photo_id: int) -> tuple[Photo, bool, str, str] | None:
    """A photo, whether it has a picture, whose it is, and what they offer."""
    found = stock_photos.by_id(db, photo_id)
    if found is None:
        return None
    photo, jpeg = found
    person = people.by_id(db, photo.contact_id)
    listing = stock_listings.by_id(db, photo.listing_id, photo.contact_id)
    goods = "" if listing is None else f"{products.name(listing.product)} {listing.grade}".strip()
    return photo, bool(jpeg), without_numbers(person.names) if person is not None else "", goods
