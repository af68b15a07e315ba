"""Taobao Open Platform: a trade as its own call answers it, pushed on by a relay in its cloud.

Orders' data may only be read inside Alibaba's own cloud, over a WebSocket that must be confirmed:
a relay there pulls the trade (`taobao.trade.fullinfo.get`) and posts the answer here as it came,
beside the platform's own parameters, all signed as the platform signs a call. A server that stands
in that cloud asks for the trades itself: `taobao_pull`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from multidict import CIMultiDictProxy

from bot.hub.event_types import Unusable
from bot.hub.shop import ShopEvent, order_created
from bot.hub.signing import Forged

name = "taobao"
CLOCK, FORM = ZoneInfo("Asia/Shanghai"), "%Y-%m-%d %H:%M:%S"
_TOLERANCE = timedelta(minutes=10)
# What a buyer has paid for is an order; what is closed is none any more.
KINDS = {"WAIT_SELLER_SEND_GOODS": "order.created", "TRADE_CLOSED": "order.cancelled"}


class _Line(Struct, frozen=True):
    num: int
    price: str
    outer_iid: str = ""


class _Lines(Struct, frozen=True):
    order: tuple[_Line, ...]


class _Trade(Struct, frozen=True):
    tid: int
    status: str
    orders: _Lines
    modified: str = ""


class _Response(Struct, frozen=True):
    trade: _Trade


class _Answer(Struct, frozen=True):
    trade_fullinfo_get_response: _Response


_decoder = msgspec.json.Decoder(_Answer)


def sign(fields: Mapping[str, str], secret: str) -> str:
    """The `sign` of these fields, by the method that they name. Raises `Forged` for another."""
    text = "".join(f"{key}{fields[key]}" for key in sorted(fields) if key != "sign").encode()
    key, method = secret.encode(), fields.get("sign_method", "")
    if method == "hmac-sha256":
        return hmac.digest(key, text, hashlib.sha256).hex().upper()
    if method == "hmac":
        return hmac.digest(key, text, hashlib.md5).hex().upper()
    if method == "md5":
        return hashlib.md5(key + text + key, usedforsecurity=False).hexdigest().upper()
    raise Forged("sign_method is none of md5, hmac, hmac-sha256")


def read(body: bytes, _headers: CIMultiDictProxy[str], key: str, secret: str) -> ShopEvent:
    """What the relay passes on. Raises `Forged`, or `Unusable` for what is no trade."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise Unusable("it is no form") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Forged("a field is there twice")
    right = sign(fields, secret).encode()
    if not hmac.compare_digest(fields.get("sign", "").encode(), right):
        raise Forged("sign does not fit")
    if fields.get("app_key") != key or not _is_now(fields.get("timestamp", "")):
        raise Forged("another app's, or more than 10 minutes off")
    return event_of(fields.get("response", ""))


def event_of(answer: str | bytes) -> ShopEvent:
    """What a trade means to us, as `taobao.trade.fullinfo.get` answers it. Raises `Unusable`.

    A paid trade is an order, a closed one is none any more, and others ask nothing of us.
    """
    try:
        trade = _decoder.decode(answer).trade_fullinfo_get_response.trade
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(f"response: {error}") from error
    kind, order_id = KINDS.get(trade.status, ""), str(trade.tid)
    event_id, at = event_id_of(trade.tid, trade.status), _with_zone(trade.modified)
    if kind == "order.cancelled":
        return ShopEvent(event_id, kind, {"order_id": order_id}, at)
    if not kind:
        return ShopEvent(event_id, "", {}, at)
    lines = [(line.outer_iid, line.num, line.price) for line in trade.orders.order]
    return ShopEvent(event_id, kind, order_created(order_id, "CNY", lines), at)


def event_id_of(tid: int, status: str) -> str:
    """By which a trade in this state is known again, whoever brings it."""
    return f"{tid}:{status}"


def _with_zone(text: str) -> str:
    moment = _moment(text)
    return text if moment is None else moment.isoformat()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, FORM).replace(tzinfo=CLOCK)
    except ValueError:
        return None


def _is_now(text: str) -> bool:
    moment = _moment(text)
    return moment is not None and abs(datetime.now(UTC) - moment) <= _TOLERANCE
