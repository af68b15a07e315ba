"""One call: its phone, screen by screen, what staff did in it, and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.access.members import note
from bot.dashboard.access.roles import ANSWERERS, EXPORTERS, REVEALERS
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.acting import DID, LINE_MAX, REFUSED, SMS_MAX, Acting
from bot.dashboard.screens.board import SILENT_MAX_S
from bot.dashboard.screens.call_acts import ACT_WORDS, Helped, helped
from bot.dashboard.screens.call_tags import TAGS, tags_in
from bot.dashboard.screens.call_test import test_of
from bot.dashboard.screens.one_call import OneCall, call_and_span, caller_of
from bot.dashboard.screens.place_words import place_name
from bot.dashboard.screens.reveal import REASONS
from bot.dashboard.screens.tagging import set_tag
from bot.i18n import N_
from bot.kept_text import kept_text
from bot.market import Market, hand_overs
from bot.pins_in_texts import without_pins

_REASON_MAX = 160
_NO_CHAT = {
    "no_reason": N_("Say why. Nothing was changed."),
    "no_chat": N_("The person has no chat linked."),
    "anothers": N_("A colleague has this chat. Nothing was changed."),
    "gone": N_("The bot has this chat again: nothing was sent."),
}


@dataclass(frozen=True, slots=True)
class PhoneSize:
    """How much a phone shows: `count` tells the septets of a text, `most` is the limit."""

    count: Callable[[str], int]
    most: int


class CallPage:
    """The page of a call, and the call as files."""

    def __init__(self, market: Market, pages: Pages, acting: Acting, size: PhoneSize) -> None:
        self._records, self._hub, self._pages = market.records, market.hub, pages
        self._acting, self._size = acting, size

    async def show(self, request: web.Request) -> web.Response:
        """The call with the phone at one of its screens: `hop`, or the last."""
        return await self._page(request, did=request.query.get("did", ""))

    async def do(self, request: web.Request) -> web.Response:
        """One of the buttons; nothing is done twice, or on what has changed meanwhile."""
        outcome = await self._acting.do(request)
        if outcome != "done":
            status = 422 if outcome in {"text", "pin", "unknown"} else 409
            doing, fields = request.match_info["doing"], await fields_of(request)
            written = {doing: _given_back(outcome, fields.get("text", ""))}
            return await self._page(
                request, refused=REFUSED[outcome], status=status, written=written
            )
        here, doing = f"/dashboard/calls/{request.match_info['id']}", request.match_info["doing"]
        raise web.HTTPSeeOther(f"{here}?did={doing}")

    async def tag(self, request: web.Request) -> web.Response:
        """Put a tag on the call (`tag`), or take one off (`untag`)."""
        row_id, member, fields = _id(request), request[VISITOR].member, await fields_of(request)
        caller = await self._records.read(lambda db: caller_of(db, row_id))
        tag = fields.get("tag") or fields.get("untag", "")
        if caller is None or tag not in TAGS:
            raise web.HTTPNotFound
        on, now = "tag" in fields, _now()
        await self._records.write(lambda db: set_tag(db, member, caller, tag, on=on, now=now))
        raise web.HTTPSeeOther(f"/dashboard/calls/{row_id}")

    async def take_chat(self, request: web.Request) -> web.Response:
        """Come into the caller's chat unasked, for a reason; the page of that chat follows."""
        row_id, by, now = int(request.match_info["id"]), request[VISITOR].member.name, _now()
        caller = await self._records.read(lambda db: caller_of(db, row_id))
        if caller is None:
            raise web.HTTPNotFound
        reason = kept_text((await fields_of(request)).get("reason", ""), _REASON_MAX)
        if not reason:
            return await self._page(request, refused=_NO_CHAT["no_reason"], status=422)
        whose = caller.contact_id
        outcome, chat = await self._records.write(
            lambda db: hand_overs.take_of(db, whose, by, now, reason=reason)
        )
        if outcome != "done":
            return await self._page(request, refused=_NO_CHAT[outcome], status=409)
        raise web.HTTPSeeOther(f"/dashboard/hand-over/{chat}")

    async def take_along(self, request: web.Request) -> web.Response:
        """The call as a file, for a reason that is on record: a test to play again, or data."""
        call, done = await self._found(request)
        fields = await fields_of(request)
        reason, as_test = kept_text(fields.get("reason", ""), _REASON_MAX), "test" in fields
        if not reason:
            return await self._page(request, refused=_NO_CHAT["no_reason"], status=422)
        if as_test and call.is_chat:
            # A test dials: what was said in a chat cannot be played again so.
            raise web.HTTPNotFound
        action = f"call taken along as {'a test' if as_test else 'data'}"
        whose = f"contact {call.contact_id}" if call.contact_id else f"call {call.id}"
        by, now, about = request[VISITOR].member.name, _now(), {"call": call.id, "reason": reason}
        await self._records.write(lambda db: note(db, by, action, whose, now, **about))
        if as_test:
            text = test_of(call, self._hub.timezone)
            return _file(text, "text/x-python", f"test_call_{call.id}.py")
        whole = {"call": call, "helped": done}
        text = msgspec.json.format(msgspec.json.encode(whole, enc_hook=str)).decode()
        return _file(text, "application/json", f"call_{call.id}.json")

    async def _found(self, request: web.Request) -> tuple[OneCall, Helped]:
        row_id, ours = int(request.match_info["id"]), self._hub.help_msisdn

        def read(db: Connection) -> tuple[OneCall, Helped] | None:
            found = call_and_span(db, row_id, ours)
            return None if found is None else (found[0], helped(db, found[1], ours))

        found = await self._records.read(read)
        if found is None:
            raise web.HTTPNotFound
        return found[0].without_key(), found[1]

    async def _page(
        self,
        request: web.Request,
        did: str = "",
        refused: str = "",
        status: int = 200,
        written: Mapping[str, str] = MappingProxyType({}),
    ) -> web.Response:
        visitor = request[VISITOR]
        call, done = await self._found(request)
        screens = [hop for hop in call.hops if hop.said]
        at = _place_of(request.query.get("hop", ""), len(screens))
        until = call.hops[-1].at.timestamp() + SILENT_MAX_S
        goes_on = not (call.hops[-1].over or call.is_chat)
        left_s = int(until - _now().timestamp()) if goes_on else 0
        return self._pages.page(
            "call.html",
            visitor.member,
            visitor.form,
            status=status,
            call=call,
            screens=screens,
            at_screen=at,
            shown=screens[at - 1] if screens else None,
            size=self._size,
            entries=sorted([*call.hops, *done.done], key=lambda one: one.at),
            helped=done,
            version=f"{call.hops[-1].number}-{done.last}",
            left_s=max(0, left_s),
            goes_on=goes_on and left_s > 0,
            place_name=place_name,
            act_words=ACT_WORDS,
            tag_words=TAGS,
            tags=tags_in((one.act, one.text) for one in done.done),
            said=DID.get(did, ""),
            refused=refused,
            written=written,
            mine=done.helper_id == visitor.member.id,
            may_take_along=visitor.member.role in EXPORTERS,
            may_act=visitor.member.role in ANSWERERS,
            may_reveal=visitor.member.role in REVEALERS and bool(call.contact_id),
            reasons=REASONS,
            reason_max=_REASON_MAX,
            line_max=LINE_MAX,
            sms_max=SMS_MAX,
        )


def _given_back(outcome: str, text: str) -> str:
    """What was written and refused, for the field it came from; a PIN is shown to nobody."""
    return (without_pins(text) if outcome == "pin" else text)[: max(LINE_MAX, SMS_MAX)]


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])


def _now() -> datetime:
    return datetime.now(UTC)


def _place_of(asked: str, most: int) -> int:
    """The screen that the address asks for; the last when it asks for none there is."""
    plain = asked.isascii() and asked.isdecimal() and len(asked) < 6
    return int(asked) if plain and 1 <= int(asked) <= most else most


def _file(text: str, kind: str, name: str) -> web.Response:
    said: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(text=text, content_type=kind, headers=said)
