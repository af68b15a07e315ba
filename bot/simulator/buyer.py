"""The demo's buyer at /simulator/buyer: a pretended hub that orders, and shows what comes back."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bot.hub.calling import Caller, order_of
from bot.hub.signing import Forged, verify
from bot.simulator.headers import HEADERS

_STATIC = Path(__file__).parent / "static"
_AT_ONCE, _ORDERS_MAX, _SHOWN = 200, 3000, 200
_NUMBERS = 100_000
_GOODS_MAX = 24
_HUB_PHOTOS, _PHOTOS = "/hub/photos/", "/simulator/buyer/photos/"
# Every call and chat makes two of them, and no buyer asks for them.
_UNSHOWN = frozenset({"session.started", "session.ended"})
# What the forms' fields are called on the page, and the most that each may be.
_FIELDS = {
    "packs": ("Packs", 100_000),
    "price": ("Francs a pack", 5_000_000),
    "orders": ("Orders of one pack", _ORDERS_MAX),
}

# Makes sure that the receiver at a URL hears of everything, signed with the secret it gives.
Subscribe = Callable[[str], Awaitable[str]]
# Who was asked about each of these orders, and where their offers stand, in words.
Who = Callable[[Sequence[str]], Awaitable[dict[str, list[str]]]]


class Buyer:
    """The routes under /simulator/buyer; what it sends and what comes passes over real HTTP."""

    def __init__(
        self, http: aiohttp.ClientSession, secret: str, subscribe: Subscribe, who: Who
    ) -> None:
        self._http, self._secret, self._subscribe, self._who = http, secret, subscribe, who
        self._hook_secret = ""
        self._orders: deque[str] = deque(maxlen=_SHOWN)
        self._news: deque[dict[str, Any]] = deque(maxlen=_SHOWN)
        self._came = 0
        self._opening = asyncio.Lock()

    def mount(self, app: web.Application) -> None:
        """Add the routes to `app`."""
        app.router.add_get("/simulator/buyer", self.page)
        app.router.add_get("/simulator/buyer/now.json", self.now)
        app.router.add_get("/simulator/buyer/stock.json", self.stock)
        app.router.add_get(f"{_PHOTOS}{{name:[0-9]{{1,15}}[.]jpg}}", self.photo)
        app.router.add_post("/simulator/buyer/order", self.order)
        app.router.add_post("/simulator/buyer/flash", self.flash)
        app.router.add_post("/simulator/buyer/cancel", self.cancel)
        app.router.add_post("/simulator/buyer/hook", self.hook)

    async def page(self, _request: web.Request) -> web.Response:
        """The page itself."""
        text = (_STATIC / "buyer.html").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    async def order(self, request: web.Request) -> web.Response:
        """Send one signed order, as the form says."""
        caller, form = await self._caller(request), await _form(request, "packs", "price")
        order_id = f"KW-{secrets.randbelow(_NUMBERS)}"
        data = order_of(order_id, form["sku"], int(form["packs"]), form["price"])
        status, said = await caller.send("order.created", data)
        if status == 202:
            self._orders.appendleft(order_id)
        return web.json_response({"order_id": order_id, "status": status, "said": said})

    async def flash(self, request: web.Request) -> web.Response:
        """Send so many orders of one pack each at once."""
        caller, form = await self._caller(request), await _form(request, "orders", "price")
        count, gate = int(form["orders"]), asyncio.Semaphore(_AT_ONCE)
        run, began = secrets.token_hex(3), asyncio.get_running_loop().time()

        async def one(number: int) -> int:
            data = order_of(f"flash-{run}-{number}", form["sku"], 1, form["price"])
            async with gate:
                status, _said = await caller.send("order.created", data)
            if status == 202:
                self._orders.appendleft(data["order_id"])
            return status

        statuses = await asyncio.gather(*(one(number) for number in range(count)))
        took_s = asyncio.get_running_loop().time() - began
        kept = statuses.count(202)
        return web.json_response({"sent": count, "kept": kept, "seconds": round(took_s, 2)})

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancel an order that was sent from here."""
        caller, form = await self._caller(request), await _form(request)
        status, said = await caller.send("order.cancelled", {"order_id": form["order_id"]})
        return web.json_response({"status": status, "said": said})

    async def now(self, request: web.Request) -> web.Response:
        """The orders that were sent from here as they stand, who was asked, the news that came."""
        caller = await self._caller(request)
        shown = list(self._orders)[:12]
        found = await asyncio.gather(*(caller.order(order_id) for order_id in shown))
        asked = await self._who(shown)
        orders = [
            {**order, "asked": asked.get(order["order_id"], [])}
            for status, order in found
            if status == 200
        ]
        return web.json_response({"orders": orders, "news": list(self._news), "came": self._came})

    async def stock(self, request: web.Request) -> web.Response:
        """What farmers offer, as the hub is told it, with photos that this page can show."""
        caller = await self._caller(request)
        status, said = await caller.ask(f"/hub/stock?limit={_GOODS_MAX}")
        for one in said.get("stock", ()):
            one["photos"] = [path.replace(_HUB_PHOTOS, _PHOTOS, 1) for path in one["photos"]]
        return web.json_response(said, status=status)

    async def photo(self, request: web.Request) -> web.Response:
        """A photo of what is offered: only who signs is given it, so the page cannot ask itself."""
        caller = await self._caller(request)
        status, picture = await caller.fetch(f"{_HUB_PHOTOS}{request.match_info['name']}")
        if status != 200:
            raise web.HTTPNotFound
        return web.Response(body=picture, content_type="image/jpeg", headers=HEADERS)

    async def hook(self, request: web.Request) -> web.Response:
        """Where the server's own webhooks come back to; only signed ones count."""
        body = await request.read()
        # After a restart news comes before anybody opens the page: the secret is the one of before.
        await self._caller(request)
        try:
            event_id = verify(body, request.headers, [self._hook_secret])
        except Forged:
            return web.Response(status=401)
        news = json.loads(body)
        if news["type"] not in _UNSHOWN:
            self._came += 1
            self._news.appendleft({"id": event_id, **news})
        return web.Response(status=204)

    async def _caller(self, request: web.Request) -> Caller:
        """A caller of this very server, which from then on tells us everything."""
        url = str(request.url.origin())
        async with self._opening:
            if not self._hook_secret:
                self._hook_secret = await self._subscribe(f"{url}/simulator/buyer/hook")
        return Caller(self._http, url, self._secret)


async def _form(request: web.Request, *numbers: str) -> dict[str, str]:
    """The fields that were sent. Raises 400, in the page's words, for what is no form or number."""
    try:
        form = {
            name: str(value).strip() for name, value in json.loads(await request.read()).items()
        }
    except (ValueError, AttributeError) as error:
        raise web.HTTPBadRequest(text="That is no form: open the page again.") from error
    for name in numbers:
        label, most = _FIELDS[name]
        said = form.get(name, "")
        if not (said.isascii() and said.isdigit() and len(said) < 10 and 1 <= int(said) <= most):
            text = f"{label} must be a whole number from 1 to {most:,}, in digits only."
            raise web.HTTPBadRequest(text=text)
    return form
