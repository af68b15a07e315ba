"""Asks the Taobao Open Platform for trades that changed, and for each in full, by signed calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from bot.capped import read_capped
from bot.hub import taobao
from bot.hub.pull import Hint, PullFailed
from bot.hub.shop import ShopEvent, UnusableOrder

_PAGE = 100
_BYTES_MAX = 4 * 1024 * 1024
_LIST, _FULL = "taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get"
_LIMITS = aiohttp.ClientTimeout(total=20, connect=5)
_CALLS_LIMITED, _REST_S = 7, 60.0
_ASKED_WRONGLY = "isv."
_REMEDIES = {
    25: "the signature is refused: check ISOKO_MARKETPLACE__TAOBAO_SECRET and the app's number",
    26: "set ISOKO_MARKETPLACE__TAOBAO_SESSION",
    27: "the session has ended: authorise the app again, set ISOKO_MARKETPLACE__TAOBAO_SESSION",
    29: "the app's number is unknown: check ISOKO_MARKETPLACE__TAOBAO_APP_KEY",
}


@dataclass(frozen=True, slots=True)
class TaobaoAccount:
    """Where the platform answers, our app there, and the seller's session."""

    url: str
    app_key: str
    secret: str
    session: str


class _Short(Struct, frozen=True):
    tid: int
    status: str


class _Trades(Struct, frozen=True):
    trade: tuple[_Short, ...] = ()


class _Listed(Struct, frozen=True):
    total_results: int = 0
    trades: _Trades = _Trades()


class _Page(Struct, frozen=True):
    trades_sold_increment_get_response: _Listed


class _Wrong(Struct, frozen=True):
    code: int
    msg: str = ""
    sub_code: str = ""


class _Refused(Struct, frozen=True):
    error_response: _Wrong


_pages, _refusals = msgspec.json.Decoder(_Page), msgspec.json.Decoder(_Refused)


class _OfThisTrade(PullFailed):
    """The platform refuses what was asked, not us: it would refuse the same for ever."""


class TaobaoPull:
    """One seller's trades."""

    name = taobao.name
    # The platform refuses a longer span.
    window = timedelta(days=1)

    def __init__(self, account: TaobaoAccount, http: aiohttp.ClientSession) -> None:
        self._account, self._http = account, http

    async def changed(self, start: datetime, end: datetime) -> AsyncIterator[list[Hint]]:
        """The trades that changed, the last page first, as the platform advises."""
        first = await self._page(start, end, 1)
        for number in range(-(-first.total_results // _PAGE), 1, -1):
            yield _hints(await self._page(start, end, number))
        # By now others may have moved to the first page.
        again = first.total_results > _PAGE
        yield _hints(await self._page(start, end, 1) if again else first)

    async def event(self, hint: Hint) -> ShopEvent:
        """The trade in full: the list has only a part of it."""
        fields = {"fields": "tid,type,status,payment,modified,orders", "tid": str(hint.what)}
        try:
            return taobao.event_of(await self._call(_FULL, fields))
        except _OfThisTrade as why:
            raise UnusableOrder(str(why), str(hint.what)) from why

    async def _page(self, start: datetime, end: datetime, number: int) -> _Listed:
        fields = {
            "fields": "tid,status,modified",
            "start_modified": _clock(start),
            "end_modified": _clock(end),
            "page_no": str(number),
            "page_size": str(_PAGE),
        }
        body = await self._call(_LIST, fields)
        try:
            return _pages.decode(body).trades_sold_increment_get_response
        except msgspec.MsgspecError as error:
            raise PullFailed(f"Taobao's list is none: {error}") from error

    async def _call(self, method: str, fields: Mapping[str, str]) -> bytes:
        """The answer to a signed call. Raises `PullFailed`, also for an answer that refuses."""
        account = self._account
        form = {
            **fields,
            "method": method,
            "app_key": account.app_key,
            "session": account.session,
            "timestamp": _clock(datetime.now(UTC)),
            "format": "json",
            "v": "2.0",
            "sign_method": "hmac-sha256",
        }
        form["sign"] = taobao.sign(form, account.secret)
        try:
            async with self._http.post(
                account.url, data=form, timeout=_LIMITS, allow_redirects=False
            ) as response:
                body = await read_capped(response, _BYTES_MAX)
                if response.status != 200:
                    raise PullFailed(f"Taobao answered {response.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PullFailed(f"no answer from Taobao ({type(error).__name__})") from error
        _refuse(body)
        return body


def _refuse(body: bytes) -> None:
    try:
        wrong: Any = _refusals.decode(body).error_response
    except msgspec.MsgspecError:
        return
    wait_s = _REST_S if wrong.code == _CALLS_LIMITED else 0.0
    why = _REMEDIES.get(wrong.code, f"{wrong.msg} {wrong.sub_code}".strip())
    # Beside codes of the platform itself, which are below 40, it names what the call was about.
    of_this = wrong.code not in _REMEDIES and wrong.sub_code.startswith(_ASKED_WRONGLY)
    failed = _OfThisTrade if of_this and not wait_s else PullFailed
    raise failed(f"Taobao refuses ({wrong.code}): {why}", wait_s)


def _hints(page: _Listed) -> list[Hint]:
    return [
        Hint(taobao.event_id_of(one.tid, one.status), one.tid, order_id=str(one.tid))
        for one in page.trades.trade
        if one.status in taobao.KINDS
    ]


def _clock(moment: datetime) -> str:
    return moment.astimezone(taobao.CLOCK).strftime(taobao.FORM)
