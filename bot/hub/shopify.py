"""Shopify: HMAC-SHA256 of the body in base64; no moment is signed, so ids alone stop repeats.

Only the body is signed. So the body alone says what an order is: whoever holds a genuine one could
send it again under another topic.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec
from msgspec import Struct
from multidict import CIMultiDictProxy

from bot.hub.event_types import Unusable
from bot.hub.shop import ShopEvent, order_created
from bot.hub.signing import Forged

name = "shopify"
_TOPICS = frozenset({"orders/create", "orders/cancelled"})


class _Line(Struct, frozen=True):
    quantity: int
    price: str
    sku: str | None = None


class _Order(Struct, frozen=True):
    id: int
    currency: str
    line_items: tuple[_Line, ...]
    created_at: str = ""
    updated_at: str = ""
    cancelled_at: str | None = None


_decoder = msgspec.json.Decoder(_Order)


def read(body: bytes, headers: CIMultiDictProxy[str], _key: str, secret: str) -> ShopEvent:
    """What Shopify says. Raises `Forged`, or `Unusable` for what is no order."""
    right = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
    given = headers.get("X-Shopify-Hmac-SHA256", "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right):
        raise Forged("X-Shopify-Hmac-SHA256 does not fit")
    event_id = headers.get("X-Shopify-Webhook-Id", "")
    if not event_id:
        raise Unusable("X-Shopify-Webhook-Id is missing")
    if headers.get("X-Shopify-Topic", "") not in _TOPICS:
        return ShopEvent(event_id, "", {}, "")
    try:
        order = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(str(error)) from error
    order_id, at = str(order.id), order.updated_at or order.created_at
    if order.cancelled_at:
        return ShopEvent(event_id, "order.cancelled", {"order_id": order_id}, at)
    lines = [(line.sku or "", line.quantity, line.price) for line in order.line_items]
    return ShopEvent(event_id, "order.created", order_created(order_id, order.currency, lines), at)
