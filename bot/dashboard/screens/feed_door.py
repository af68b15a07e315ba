"""The feed over HTTP: Server-Sent Events, each with its id; what one has missed comes first.

A browser is written to as fast as it reads, and only what it does not have yet: nothing queues up
for one that is slow. One that takes nothing for a while is dropped, and catches up when it returns.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from aiohttp import web

from bot.dashboard.guard import Guard
from bot.dashboard.screens.board import LiveCall, LiveCalls
from bot.dashboard.screens.call_tags import TAGS
from bot.dashboard.screens.feed import Feed, TooMany
from bot.dashboard.screens.live_calls import Position, is_known, position_of
from bot.dashboard.screens.now_news import NowNews
from bot.dashboard.screens.one_call import key_and_moment_of
from bot.dashboard.screens.place_words import place_name
from bot.dashboard.screens.risk_words import RISK_WORDS
from bot.dashboard.screens.wanted import Wanted, asks_for_more, wanted_in
from bot.i18n import _, language_spoken
from bot.in_turns import InTurns
from bot.storage.records import Records, RecordsDown
from bot.vanishing import notice_vanishing

log = structlog.get_logger(__name__)

SLOW_S = 10.0
# Access that was revoked ends within five seconds, also for who only looks on.
_LOOK_AGAIN_S = 4.0
_KEPT_MAX = 1000
_DRAWN_AT_ONCE = 15
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # Else a proxy would keep what is meant for now.
    "X-Accel-Buffering": "no",
}
_ASKED = {"since", "call", "now"}


class FeedDoor:
    """Answers those who look on."""

    def __init__(
        self, records: Records, guard: Guard, feed: Feed, stamp: Callable[[], Awaitable[str]]
    ) -> None:
        """`stamp` gives another text once a figure on the page Now is another."""
        self._records, self._guard, self._feed, self._stamp = records, guard, feed, stamp
        # All are woken at once: hops have their turn between one and the next.
        self._in_turns = InTurns(1)
        self._cards: dict[tuple[Any, ...], msgspec.Raw] = {}
        self._steps = _Steps(feed, self._card)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """The board, one `call`, or the figures of `now`, until either leaves.

        The board can be narrowed as its page can. It goes on from `Last-Event-ID`, or from `since`.
        """
        if asks_for_more(request.query, _ASKED):
            # Everybody who may look sees the same, masked: some of it, or all.
            await self._guard.refuse(request, "asked the feed for more")
        since = await self._since(request)
        call = await self._call_asked(request)
        try:
            async with self._feed.watching(self._guard.token_of(request)):
                return await self._serve(request, since, *call)
        except TooMany:
            raise web.HTTPServiceUnavailable from None

    async def _since(self, request: web.Request) -> Position | None:
        asked = request.headers.get("Last-Event-ID") or request.query.get("since", "")
        at = position_of(asked)
        known = at is not None and await self._records.read(lambda db: is_known(db, at))
        return at if known else None

    async def _call_asked(self, request: web.Request) -> tuple[str, int]:
        """The key of the call that is asked for, "" for all of them, and when it had a hop."""
        asked = request.query.get("call", "")
        if not asked:
            return "", 0
        plain = asked.isascii() and asked.isdecimal() and len(asked) <= 18
        row_id = int(asked) if plain else 0
        found = await self._records.read(lambda db: key_and_moment_of(db, row_id))
        if not found[0]:
            await self._guard.refuse(request, "asked the feed for what is not there")
        return found

    async def _serve(
        self, request: web.Request, since: Position | None, key: str, known_ms: int
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        self._guard.harden(response)
        await response.prepare(request)
        notice_vanishing(request.transport)
        told: _OneCall | _WholeBoard | NowNews
        if request.query.get("now"):
            told = NowNews(self._stamp)
        elif key:
            told = _OneCall(self._feed, key, known_ms)
        else:
            told = _WholeBoard(self._feed, self._steps, since, wanted_in(request.query))
        try:
            await _write(response, b"retry: 1000\n\n")
            while await self._may_stay(request):
                await self._tell(response, told)
        except (ConnectionError, TimeoutError):
            log.debug("a browser has left, or takes nothing")
        except Exception:  # no page may follow what has been sent
            log.exception("a stream broke")
        return response

    async def _may_stay(self, request: web.Request) -> bool:
        try:
            return not self._feed.closed and await self._guard.still_may(request)
        except RecordsDown:
            # Nobody can be asked, and there is nothing new to tell.
            return True

    async def _tell(
        self, response: web.StreamResponse, told: _OneCall | _WholeBoard | NowNews
    ) -> None:
        """Tell what is new for a few seconds, and at their end that we are still there."""
        # Not all of them at the same moment, as they are told the news.
        until = time.monotonic() + _LOOK_AGAIN_S * random.uniform(0.7, 1)  # noqa: S311  no secret
        while time.monotonic() < until and not self._feed.closed:
            has = self._feed.standing
            await told.look()
            await self._in_turns.passes()
            if self._feed.standing is not None and (news := told.news()) is not None:
                await _write(response, _event(told.name, news, str(self._feed.at)))
            elif behind_s := self._feed.behind_s:
                await _write(response, _beat(behind_s))
            await self._feed.next(has, 1.0)
        await _write(response, _beat(self._feed.behind_s))

    def _card(self, call: LiveCall) -> msgspec.Raw:
        """What a browser needs to draw a call, in the language of who looks."""
        stamp = (*_stamp(call), language_spoken())
        if stamp not in self._cards:
            if len(self._cards) >= _KEPT_MAX:
                self._cards.clear()
            self._cards[stamp] = msgspec.Raw(msgspec.json.encode(card_of(call)))
        return self._cards[stamp]


def card_of(call: LiveCall) -> dict[str, Any]:
    """A call as the script draws it; the number in it is masked."""
    return {
        "mark": call.mark,
        "id": call.id,
        "number": call.number or _("not registered"),
        "name": call.name[:40],
        "place": place_name(call.place),
        "language": call.language,
        "shown": call.shown,
        "hops": call.hops,
        "at": call.at_ms,
        "until": call.until_ms,
        "risks": [_(RISK_WORDS[risk]) for risk in call.risks],
        "tags": [_(TAGS[tag]) for tag in call.tags],
        "helper": call.helper,
        "act": call.act,
        "chat": call.chat,
        "typed": call.typed,
        "ms": round(call.micros / 1000, 1),
    }


class _Steps:
    """What leads from how things stood to how they stand now, written once for all who need it.

    Else each of twenty browsers would have the same sixty calls compared for itself, and hops wait.
    """

    def __init__(self, feed: Feed, card: Callable[[LiveCall], msgspec.Raw]) -> None:
        self._feed, self._card = feed, card
        self._round: LiveCalls | None = None
        # By what it leads from and to, and whose it is; beside it those two, for they are told
        # from others by where they lie.
        self._written: dict[tuple[Any, ...], tuple[LiveCalls, LiveCalls, msgspec.Raw | None]] = {}

    def step(self, was: LiveCalls, now: LiveCalls, after: str) -> msgspec.Raw | None:
        """For who has `was` and was told last at `after`, in the language spoken."""
        if self._feed.standing is not self._round:
            self._round, self._written = self._feed.standing, {}
        whose = id(was), id(now), after, language_spoken()
        if whose not in self._written:
            self._written[whose] = was, now, self._step(was, now, after)
        return self._written[whose][2]

    async def draw(self, now: LiveCalls) -> None:
        """Draw its calls, in the language spoken."""
        for number, call in enumerate(now.calls, 1):
            self._card(call)
            if number % _DRAWN_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _step(self, was: LiveCalls, now: LiveCalls, after: str) -> msgspec.Raw | None:
        had, there = _stamps(was), _stamps(now)
        new = [call for call in now.calls if had.get(call.mark) != there[call.mark]]
        gone = [mark for mark in had if mark not in there]
        if not (new or gone or _figures(was) != _figures(now)):
            return None
        return self.told(now, new, {"gone": gone, "after": after})

    def told(self, now: LiveCalls, new: list[LiveCall], more: dict[str, Any]) -> msgspec.Raw:
        """These calls of the board and its figures, in the language spoken."""
        if now.partly:
            more["partly"] = True
        calls = [self._card(call) for call in new]
        figures = {"count": now.count, "at_risk": now.at_risk}
        return msgspec.Raw(msgspec.json.encode(more | {"now": _now_ms(), "calls": calls} | figures))


class _WholeBoard:
    """What one browser has of the board, and what it lacks."""

    name = "calls"

    def __init__(self, feed: Feed, steps: _Steps, since: Position | None, wanted: Wanted) -> None:
        self._feed, self._steps, self._since, self._wanted = feed, steps, since, wanted
        self._has: LiveCalls | None = None
        self._after = ""

    async def look(self) -> None:
        """Draw what it may lack; a few cards at a time, so that hops have their turn between."""
        now = self._feed.standing_of(self._wanted)
        if now is not None and now is not self._has:
            await self._steps.draw(now)

    def news(self) -> msgspec.Raw | None:
        """What it lacks now, or None."""
        now = self._feed.standing_of(self._wanted)
        assert now is not None  # noqa: S101  asked only when there is one
        was, self._has = self._has, now
        if was is now:
            return None
        told = self._steps.step(was, now, self._after) if was else self._first(now)
        if told is not None:
            self._after = str(self._feed.at)
        return told

    def _first(self, now: LiveCalls) -> msgspec.Raw:
        new, since = now.calls, self._since
        if since is not None:
            new = [one for one in new if one.risks or one.id > since.row or one.act > since.act]
        return self._steps.told(now, new, {"all": [call.mark for call in now.calls]})


class _OneCall:
    """Says that a call went on; its page is then asked for what is new."""

    name = "call"

    def __init__(self, feed: Feed, key: str, known_ms: int) -> None:
        self._feed, self._key, self._known_ms = feed, key, known_ms
        self._has: tuple[int, int] | None = None

    async def look(self) -> None:
        """Nothing is to be drawn."""

    def news(self) -> dict[str, Any] | None:
        """Its newest row and act, when they are newer."""
        there = self._feed.stamp_of(self._key, self._known_ms)
        if there == self._has:
            return None
        self._has = there
        return {"now": _now_ms(), "row": there[0], "act": there[1]}


def _figures(standing: LiveCalls) -> tuple[int, int, bool]:
    return standing.count, standing.at_risk, standing.partly


def _stamps(standing: LiveCalls) -> dict[str, tuple[Any, ...]]:
    return {call.mark: _stamp(call) for call in standing.calls}


def _stamp(call: LiveCall) -> tuple[Any, ...]:
    """What tells one state of a call from another."""
    return call.mark, call.id, call.act, call.risks, call.name


async def _write(response: web.StreamResponse, event: bytes) -> None:
    """Raises TimeoutError when the browser takes nothing for a while."""
    async with asyncio.timeout(SLOW_S):
        await response.write(event)


def _event(name: str, data: dict[str, Any] | msgspec.Raw, at: str = "") -> bytes:
    head = f"id: {at}\n" if at else ""
    return f"{head}event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


def _beat(behind_s: float) -> bytes:
    return _event("beat", {"now": _now_ms(), "behind_s": round(behind_s)})


def _now_ms() -> int:
    return int(time.time() * 1000)
