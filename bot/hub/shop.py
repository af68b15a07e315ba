"""What a shop's own message becomes: an event of ours, as if the hub itself had sent it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.hub.event_types import Unusable


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
    order_id: str, currency: str, lines: Sequence[tuple[str, int, str]]
) -> dict[str, Any]:
    """An order in our words: (sku, quantity, price of one) a line. Buyers are left out."""
    listed = [{"sku": sku, "qty": qty, "unit_price": price_of(price)} for sku, qty, price in lines]
    return {"order_id": order_id, "currency": currency, "lines": listed}


def price_of(price: object) -> str:
    """A shop's price, as "5000" or "12.50". Raises `Unusable`."""
    try:
        exact = Decimal(str(price))
        cents = exact * 100
        if not exact.is_finite() or cents != int(cents):
            raise Unusable(f"{price!r} is no price")
    except InvalidOperation as error:
        raise Unusable(f"{price!r} is no price") from error
    whole = exact == int(exact)
    return str(int(exact)) if whole else f"{exact:.2f}"
