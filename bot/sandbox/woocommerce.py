"""A pretended WooCommerce shop: its REST list of orders, by the moment they changed, in pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

KEY, SECRET = "ck_demo", "cs_demo"
_PAGE_MAX = 100


class PretendedWooCommerce:
    """One shop's orders. What is bought here is nobody's."""

    def __init__(self) -> None:
        self.orders: dict[int, dict[str, Any]] = {}
        self.pages_read: list[int] = []
        # What happens in the shop right after a page was read.
        self.meanwhile: Callable[[int], None] = lambda _page: None

    def mount(self, app: web.Application) -> None:
        """Add the list, and a control."""
        app.router.add_get("/woocommerce/wp-json/wc/v3/orders", self.listed)
        app.router.add_post("/sandbox/woocommerce/orders", self.bought)

    def put(self, number: int, status: str, lines: list[dict[str, Any]], at: datetime) -> None:
        """An order as it is from `at` on; a line is {"sku", "quantity", "price"}."""
        self.orders[number] = {"status": status, "lines": lines, "modified": at}

    async def bought(self, request: web.Request) -> web.Response:
        """Buy or cancel: {"id", "status", "lines"}."""
        said = await request.json()
        before = self.orders.get(said["id"], {"lines": []})
        lines = said.get("lines", before["lines"])
        self.put(int(said["id"]), str(said["status"]), lines, datetime.now(UTC))
        return web.json_response({"orders": len(self.orders)})

    async def listed(self, request: web.Request) -> web.Response:
        """A page of the orders that changed between two moments, the newest first."""
        if request.headers.get("Authorization") != aiohttp.encode_basic_auth(KEY, SECRET):
            said = {"code": "woocommerce_rest_cannot_view", "data": {"status": 401}}
            return web.json_response(said, status=401)
        asked = request.query
        page, size = int(asked.get("page", "1")), int(asked.get("per_page", "10"))
        if not 0 < size <= _PAGE_MAX or asked.get("dates_are_gmt") != "true":
            return web.json_response({"code": "rest_invalid_param"}, status=400)
        after, before = (
            datetime.fromisoformat(asked[name]).replace(tzinfo=UTC)
            for name in ("modified_after", "modified_before")
        )
        found = [
            (one["modified"], number)
            for number, one in self.orders.items()
            if after < one["modified"] < before and one["status"] != "trash"
        ]
        found.sort(reverse=True)
        numbers = [number for _at, number in found[(page - 1) * size : page * size]]
        headers = {
            "X-WP-Total": str(len(found)),
            "X-WP-TotalPages": str(-(-len(found) // size)),
        }
        answer = web.json_response([self._shown(one) for one in numbers], headers=headers)
        self.pages_read.append(page)
        self.meanwhile(page)
        return answer

    def _shown(self, number: int) -> dict[str, Any]:
        one = self.orders[number]
        return {
            "id": number,
            "status": one["status"],
            "currency": "RWF",
            "date_created_gmt": f"{one['modified']:%Y-%m-%dT%H:%M:%S}",
            "date_modified_gmt": f"{one['modified']:%Y-%m-%dT%H:%M:%S}",
            "billing": {"first_name": "B", "phone": "+8613800000000"},
            "line_items": [
                {"total": f"{line['price'] * line['quantity']:.2f}", **line}
                for line in one["lines"]
            ],
        }
