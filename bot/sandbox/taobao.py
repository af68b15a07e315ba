"""A pretended Taobao Open Platform: signed calls, trades by the moment they changed, in pages."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

APP_KEY, SECRET, SESSION = "12345678", "demo-taobao-secret", "demo-taobao-session"
_CLOCK, _FORM = ZoneInfo("Asia/Shanghai"), "%Y-%m-%d %H:%M:%S"
_TOLERANCE, _SPAN = timedelta(minutes=10), timedelta(days=1)
_PAGE_MAX = 100


class PretendedTaobao:
    """One seller's trades. What is bought here is nobody's."""

    def __init__(self) -> None:
        self.trades: dict[int, dict[str, Any]] = {}
        self.calls: list[str] = []
        # So many calls from now on are answered with this code.
        self.refuses: tuple[int, int] = (0, 0)
        # These trades are refused, with this sub-code, though they are in the list.
        self.broken: dict[int, str] = {}
        # What happens in the shop right after a page was read.
        self.meanwhile: Callable[[int], None] = lambda _page: None

    def mount(self, app: web.Application) -> None:
        """Add the platform's one route, and a control."""
        app.router.add_post("/taobao/router/rest", self.call)
        app.router.add_post("/sandbox/taobao/trades", self.bought)

    def put(self, tid: int, status: str, lines: list[dict[str, Any]], at: datetime) -> None:
        """A trade as it is from `at` on; a line is {"outer_iid", "num", "price"}."""
        self.trades[tid] = {"tid": tid, "status": status, "lines": lines, "modified": at}

    async def bought(self, request: web.Request) -> web.Response:
        """Buy, pay or close: {"tid", "status", "lines"}."""
        said = await request.json()
        before = self.trades.get(said["tid"], {"lines": []})
        lines = said.get("lines", before["lines"])
        self.put(int(said["tid"]), str(said["status"]), lines, datetime.now(UTC))
        return web.json_response({"trades": len(self.trades)})

    async def call(self, request: web.Request) -> web.Response:
        """One call; what is wrong with it is an answer with status 200, as the platform does."""
        fields = {key: str(value) for key, value in (await request.post()).items()}
        self.calls.append(fields.get("method", ""))
        left, code = self.refuses
        if left:
            self.refuses = (left - 1, code)
            return _error(code, "App Call Limited" if code == 7 else "refused")
        wrong = self._wrong(fields)
        if wrong:
            return wrong
        if fields["method"] == "taobao.trades.sold.increment.get":
            return self._list(fields)
        if fields["method"] == "taobao.trade.fullinfo.get":
            return self._full(fields)
        return _error(22, "Invalid Method")

    def _wrong(self, fields: Mapping[str, str]) -> web.Response | None:
        if fields.get("app_key") != APP_KEY:
            return _error(29, "Invalid app Key")
        if not hmac.compare_digest(fields.get("sign", ""), _sign(fields)):
            return _error(25, "Invalid signature")
        moment = _moment(fields.get("timestamp", ""))
        if moment is None or abs(datetime.now(UTC) - moment) > _TOLERANCE:
            return _error(31, "Invalid Timestamp")
        if not fields.get("session"):
            return _error(26, "Missing Session")
        return None if fields["session"] == SESSION else _error(27, "Invalid Session")

    def _list(self, fields: Mapping[str, str]) -> web.Response:
        start, end = _moment(fields["start_modified"]), _moment(fields["end_modified"])
        if start is None or end is None or not timedelta(0) <= end - start <= _SPAN:
            return _error(41, "Invalid arguments:end_modified")
        page, size = int(fields.get("page_no", "1")), int(fields.get("page_size", "40"))
        if not 0 < size <= _PAGE_MAX:
            return _error(41, "Invalid arguments:page_size")
        found = [one for one in self.trades.values() if start <= _whole(one["modified"]) <= end]
        found.sort(key=lambda one: (one["modified"], one["tid"]), reverse=True)
        listed = [
            {"tid": one["tid"], "status": one["status"], "modified": _words(one["modified"])}
            for one in found[(page - 1) * size : page * size]
        ]
        said: dict[str, Any] = {"total_results": len(found), "request_id": "x3"}
        if listed:
            # An empty list is left out, and so is its name.
            said["trades"] = {"trade": listed}
        self.meanwhile(page)
        return web.json_response({"trades_sold_increment_get_response": said})

    def _full(self, fields: Mapping[str, str]) -> web.Response:
        one = self.trades.get(int(fields["tid"]))
        if int(fields["tid"]) in self.broken:
            return _error(15, "Remote service error", self.broken[int(fields["tid"])])
        if one is None:
            return _error(15, "Remote service error", "isv.trade-not-exist")
        order = [
            {"oid": one["tid"] + number, "status": one["status"], **line}
            for number, line in enumerate(one["lines"], 1)
        ]
        paid = sum(float(line["price"]) * line["num"] for line in one["lines"])
        trade = {
            "tid": one["tid"],
            "type": "tmall_i18n",
            "status": one["status"],
            "payment": f"{paid:.2f}",
            "modified": _words(one["modified"]),
            "buyer_nick": "b***r",
            "orders": {"order": order},
        }
        return web.json_response(
            {"trade_fullinfo_get_response": {"trade": trade, "request_id": "x1"}}
        )


def _sign(fields: Mapping[str, str]) -> str:
    text = "".join(name + fields[name] for name in sorted(fields) if name != "sign")
    if fields.get("sign_method") == "md5":
        whole = f"{SECRET}{text}{SECRET}".encode()
        return hashlib.md5(whole, usedforsecurity=False).hexdigest().upper()
    digest = hashlib.sha256 if fields.get("sign_method") == "hmac-sha256" else hashlib.md5
    return hmac.new(SECRET.encode(), text.encode(), digest).hexdigest().upper()


def _error(code: int, msg: str, sub_code: str = "") -> web.Response:
    said = {"code": code, "msg": msg, "request_id": "x2"}
    return web.json_response(
        {"error_response": said | ({"sub_code": sub_code} if sub_code else {})}
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _FORM).replace(tzinfo=_CLOCK)
    except ValueError:
        return None


def _whole(moment: datetime) -> datetime:
    """Times of the platform have no parts of a second."""
    return datetime.fromtimestamp(math.floor(moment.timestamp()), UTC)


def _words(moment: datetime) -> str:
    return moment.astimezone(_CLOCK).strftime(_FORM)
