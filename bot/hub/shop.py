"""What a shop's own message becomes: an event of ours, as if the hub itself had sent it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec import Struct

from bot.hub.event_types import Unusable, read_event
from bot.storage.hub_inbox import Arrived

LINES_MAX = 20
# The type of an order that nobody here could read.
UNREAD = "order.unread"


class UnusableOrder(Unusable):
    """It is an order, but none that can be taken: people must look at it in the shop."""

    def __init__(self, why: str, order_id: str) -> None:
        super().__init__(why)
        self.order_id = order_id


@dataclass(frozen=True, slots=True)
class ShopEvent:
    """One message whose signature was right: the shop's id of it, and what it says in our words.

    `kind` is "" for a message that asks nothing of us, such as a ping.
    """

    event_id: str
    kind: str
    data: Mapping[str, Any]
    at: str

    @property
    def body(self) -> bytes:
        """It as an event of ours."""
        said = {"type": self.kind, "timestamp": self.at, "data": dict(self.data)}
        return json.dumps(said, sort_keys=True).encode()


def order_created(
    order_id: str, currency: str, lines: Sequence[tuple[str, int, object]]
) -> dict[str, Any]:
    """An order in our words: (sku, quantity, price of one) a line. Buyers are left out.

    Raises `UnusableOrder`.
    """
    if len(lines) > LINES_MAX:
        raise UnusableOrder(f"it has {len(lines)} lines; {LINES_MAX} can be taken", order_id)
    try:
        listed = [
            {"sku": sku, "qty": qty, "unit_price": price_of(price)} for sku, qty, price in lines
        ]
    except Unusable as why:
        raise UnusableOrder(str(why), order_id) from why
    return {"order_id": order_id, "currency": currency, "lines": listed}


def read_shop_event(event: ShopEvent) -> Struct | None:
    """What a shop's event says to us. Raises `UnusableOrder` for an order that cannot be taken."""
    try:
        return read_event(event.body)[1]
    except Unusable as why:
        raise UnusableOrder(str(why), str(event.data.get("order_id", ""))) from why


def unread(shop: str, event_id: str, order_id: str) -> Arrived:
    """An order that cannot be taken, for the inbox: its number, and nothing of its buyer."""
    return Arrived(shop, event_id[:160], UNREAD, f"{shop}:{order_id}"[:80], b"")


def price_of(price: object) -> str:
    """A shop's price, as "5000" or "12.50". Raises `Unusable`."""
    try:
        exact = Decimal(str(price))
        cents = exact * 100
        if not exact.is_finite() or cents != int(cents):
            raise Unusable(f"{price!r} is no price")
    except ArithmeticError as error:
        raise Unusable(f"{price!r} is no price") from error
    whole = exact == int(exact)
    return str(int(exact)) if whole else f"{exact:.2f}"
