"""WooCommerce: HMAC-SHA256 of the body in base64; it never tries again, and pings unsigned."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import msgspec
from msgspec import Struct
from multidict import CIMultiDictProxy

from bot.hub.event_types import Unusable
from bot.hub.shop import ShopEvent, order_created
from bot.hub.signing import Forged

name = "woocommerce"
# When the hook is saved: it wants a 200, and says nothing.
_PING = re.compile(rb"webhook_id=[0-9]{1,12}")
_TOPICS = {
    "order.created": "order.created",
    "order.restored": "order.created",
    "order.deleted": "order.cancelled",
}
_CANCELLED = frozenset({"cancelled", "refunded", "failed", "trash"})
_DRAFTS = frozenset({"checkout-draft", "auto-draft"})


class _Line(Struct, frozen=True):
    quantity: int
    price: float | int | str
    sku: str | None = None


class _Order(Struct, frozen=True):
    id: int
    currency: str = ""
    status: str = ""
    line_items: tuple[_Line, ...] = ()
    date_created_gmt: str = ""


_decoder = msgspec.json.Decoder(_Order)


def read(body: bytes, headers: CIMultiDictProxy[str], _key: str, secret: str) -> ShopEvent:
    """What WooCommerce says. Raises `Forged`, or `Unusable` for what is no order."""
    if "X-WC-Webhook-Signature" not in headers and _PING.fullmatch(body):
        return ShopEvent("ping", "", {}, "")
    right = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
    given = headers.get("X-WC-Webhook-Signature", "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right):
        raise Forged("X-WC-Webhook-Signature does not fit")
    event_id, topic = headers.get("X-WC-Webhook-Delivery-ID", ""), headers.get("X-WC-Webhook-Topic")
    if not event_id:
        raise Unusable("X-WC-Webhook-Delivery-ID is missing")
    try:
        order = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(str(error)) from error
    kind = _TOPICS.get(topic or "", "")
    if topic == "order.updated" and order.status in _CANCELLED:
        kind = "order.cancelled"
    if kind == "order.cancelled":
        return ShopEvent(event_id, kind, {"order_id": str(order.id)}, order.date_created_gmt)
    if not kind:
        return ShopEvent(event_id, "", {}, "")
    return _created(event_id, order)


def pulled(body: bytes) -> ShopEvent:
    """What an order means that we asked for ourselves. Raises `Unusable`.

    It is known again by its number and what it means, so that it is taken once however often it
    changes. A draft that nobody has placed asks nothing of us.
    """
    try:
        order = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(str(error)) from error
    if order.status in _DRAFTS:
        return ShopEvent(f"draft:{order.id}", "", {}, "")
    if order.status in _CANCELLED:
        data = {"order_id": str(order.id)}
        return ShopEvent(f"cancelled:{order.id}", "order.cancelled", data, order.date_created_gmt)
    return _created(f"created:{order.id}", order)


def _created(event_id: str, order: _Order) -> ShopEvent:
    lines = [(line.sku or "", line.quantity, str(line.price)) for line in order.line_items]
    data = order_created(str(order.id), order.currency, lines)
    return ShopEvent(event_id, "order.created", data, order.date_created_gmt)
