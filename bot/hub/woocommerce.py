"""WooCommerce: HMAC-SHA256 of the body in base64; it never tries again, and pings unsigned.

Only the body is signed. So the body alone says what an order is: whoever holds a genuine one could
send it again under another topic.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from decimal import Decimal

import msgspec
from msgspec import Struct
from multidict import CIMultiDictProxy

from bot.hub.event_types import Unusable
from bot.hub.shop import ShopEvent, UnusableOrder, order_created
from bot.hub.signing import Forged

name = "woocommerce"
# When the hook is saved: it wants a 200, and says nothing.
_PING = re.compile(rb"webhook_id=[0-9]{1,12}")
_TOPIC = "order."
# What is paid, or to be paid on delivery, is an order; what may still be paid asks nothing yet.
_ORDERED = frozenset({"processing", "completed", "on-hold"})
_CANCELLED = frozenset({"cancelled", "refunded", "trash"})


class _Line(Struct, frozen=True):
    quantity: int
    # Of all of the line, after what was taken off, to the cent: `price` is a float that is not.
    total: str = ""
    price: float | int | str = ""
    sku: str | None = None


class _Order(Struct, frozen=True):
    id: int
    currency: str = ""
    # None where only the number is left of it, which is how an order in the bin comes.
    status: str | None = None
    line_items: tuple[_Line, ...] = ()
    date_created_gmt: str = ""
    date_modified_gmt: str = ""


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
    if not (topic or "").startswith(_TOPIC):
        return ShopEvent(event_id, "", {}, "")
    return _event_of(_read(body), event_id)


def pulled(body: bytes) -> ShopEvent:
    """What an order means that we asked for ourselves. Raises `Unusable`.

    It is known again by its number and what it means, so that it is taken once however often it
    changes.
    """
    return _event_of(_read(body), "")


def mark_of(body: bytes) -> tuple[str, str]:
    """By which an order that we asked for is known again, and when it last changed."""
    order = _read(body)
    return _mark(order), _at(order)


def _read(body: bytes) -> _Order:
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(str(error)) from error


def _kind_of(order: _Order) -> str:
    if order.status is None or order.status in _CANCELLED:
        return "order.cancelled"
    return "order.created" if order.status in _ORDERED else ""


def _event_of(order: _Order, event_id: str) -> ShopEvent:
    kind, order_id = _kind_of(order), str(order.id)
    # A delivery's id is of its webhook and second (`get_new_delivery_id`): orders that are binned
    # together, or come in a flash sale, share one.
    event_id = f"{event_id}:{_mark(order)}" if event_id else _mark(order)
    if kind == "order.cancelled":
        return ShopEvent(event_id, kind, {"order_id": order_id}, _at(order))
    if not kind:
        return ShopEvent(event_id, "", {}, "")
    try:
        lines = [(line.sku or "", line.quantity, _price(line)) for line in order.line_items]
    except Unusable as why:
        raise UnusableOrder(str(why), order_id) from why
    return ShopEvent(event_id, kind, order_created(order_id, order.currency, lines), _at(order))


def _mark(order: _Order) -> str:
    return f"{_kind_of(order).removeprefix('order.') or 'waits'}:{order.id}"


def _price(line: _Line) -> object:
    """What one costs: exact, or none."""
    if not line.total:
        return line.price
    try:
        each = Decimal(line.total) / line.quantity
        exact = each * line.quantity == Decimal(line.total)
    except ArithmeticError as error:
        raise Unusable(f"{line.total!r} for {line.quantity} is no price") from error
    if not exact:
        raise Unusable(f"{line.total} for {line.quantity} is no whole number of cents for one")
    return each


def _at(order: _Order) -> str:
    return order.date_modified_gmt or order.date_created_gmt
