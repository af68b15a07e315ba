"""Chats that people asked somebody for: take one, write in it, give it back to the bot."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection, select

from bot.dashboard.access.roles import ANSWERERS
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import count_in
from bot.dashboard.screens.chat_before import Before, before
from bot.dashboard.screens.place_words import place_name
from bot.i18n import N_, speaking
from bot.market import Market, hand_over_lines, hand_overs, people, ready_replies
from bot.market.hand_over_lines import TEXT_MAX, Line
from bot.market.hand_overs import HandOver, Outcome
from bot.masking import without_numbers
from bot.msisdn import masked
from bot.pins_in_texts import without_pins
from bot.storage.schema import contacts
from bot.storage.sessions import Sessions

_SAID = {
    "gone": N_("The bot has this chat again: nothing was sent."),
    "anothers": N_("A colleague has this chat. Nothing was changed."),
    "empty": N_("Write something first."),
    "pin": N_("Nobody may be asked for a PIN, and none may be sent. Nothing was done."),
    "no_chat": N_("The person has no chat linked."),
    "unfilled": N_("No effect: this was done already, or is not needed any more."),
    "newer": N_("Something new was written meanwhile. Nothing was sent: read it, then send."),
}
# Somebody is taken to write for so long after a key; their page says so every two seconds.
_TYPING_S = 6.0


class HandOvers:
    """The queue of chats, and one chat."""

    def __init__(self, market: Market, pages: Pages, sessions: Sessions) -> None:
        self._records, self._hub, self._pages = market.records, market.hub, pages
        self._sessions = sessions

    async def listed(self, request: web.Request) -> web.Response:
        """Those that wait, the oldest first; then those that staff have."""
        visitor = request[VISITOR]
        found = await self._records.read(_with_names)
        return self._pages.page(
            "hand_overs.html",
            visitor.member,
            visitor.form,
            chats=found,
            utc_now=datetime.now(UTC),
        )

    async def one(self, request: web.Request) -> web.Response:
        """One chat, and the form to write in it for whoever has it."""
        return await self._page(request)

    async def take(self, request: web.Request) -> web.Response:
        """Take a chat that waits; the first one has it."""
        return await self._do(request, hand_overs.take)

    async def say(self, request: web.Request) -> web.Response:
        """Write in the chat; a form that is sent twice writes once.

        What stands ready is filled in as it is sent, in the language of the chat.
        """
        fields, row_id = await fields_of(request), _id(request)
        asked, hub = fields.get("ready", ""), self._hub
        key, seen = (
            f"staff:{row_id}:{fields.get('once', '')[:32]}",
            count_in(fields.get("seen", "")),
        )

        def work(db: Connection, row_id: int, by: str, now: datetime) -> Outcome:
            text, found = fields.get("text", ""), hand_overs.by_id(db, row_id) if asked else None
            if found is not None:
                words = ready_replies.replies_in(db, found, hub, now).get(asked)
                if words is None:
                    return "unfilled"
                with speaking(found.language):
                    text = words()
            ready = found is not None
            return hand_over_lines.say(db, row_id, by, text, key, now, ready=ready, seen=seen)

        return await self._do(request, work, fields.get("text", "")[:TEXT_MAX])

    async def typing(self, request: web.Request) -> web.Response:
        """Whoever has the chat writes in it at this moment: others who have it open see that."""
        row_id, by = _id(request), request[VISITOR].member.name
        found = await self._records.read(lambda db: hand_overs.by_id(db, row_id))
        if found is None or found.state != "taken" or found.owner != by:
            raise web.HTTPConflict
        await self._sessions.hint(_typing_in(row_id), by, _TYPING_S)
        return web.Response(status=204)

    async def give_back(self, request: web.Request) -> web.Response:
        """Give the chat back to the bot, which goes on where it stood."""
        return await self._do(request, hand_overs.give_back)

    async def _do(
        self,
        request: web.Request,
        work: Callable[[Connection, int, str, datetime], Outcome],
        text: str = "",
    ) -> web.Response:
        row_id, now, by = _id(request), datetime.now(UTC), request[VISITOR].member.name
        outcome = await self._records.write(lambda db: work(db, row_id, by, now))
        if outcome != "done":
            status = 422 if outcome in {"empty", "pin"} else 409
            # What was written is not lost with a refusal; a PIN is shown to nobody.
            given_back = without_pins(text) if outcome == "pin" else text
            return await self._page(request, outcome, status, given_back)
        await self._sessions.hint(_typing_in(row_id), "", _TYPING_S)
        raise web.HTTPSeeOther(f"/dashboard/hand-over/{row_id}")

    async def _page(
        self, request: web.Request, problem: str = "", status: int = 200, text: str = ""
    ) -> web.Response:
        visitor, row_id, ours = request[VISITOR], _id(request), self._hub.help_msisdn
        found = await self._records.read(lambda db: _read(db, row_id, ours))
        if found is None:
            raise web.HTTPNotFound
        chat = found.chat
        writes = await self._sessions.hinted(_typing_in(row_id))
        may = visitor.member.role in ANSWERERS
        mine = may and chat.state == "taken" and chat.owner == visitor.member.name
        return self._pages.page(
            "hand_over.html",
            visitor.member,
            visitor.form,
            status=status,
            chat=chat,
            found=found,
            place_name=place_name,
            may_take=may and chat.state == "waiting",
            mine=mine,
            typing=writes if not mine and chat.state == "taken" and writes == chat.owner else "",
            problem=_SAID.get(problem, ""),
            ready=await self._ready(chat) if mine else {},
            text=text,
            seen=found.lines[-1].id if found.lines else 0,
            once=secrets.token_hex(8),
            text_most=TEXT_MAX,
        )

    async def _ready(self, chat: HandOver) -> dict[str, str]:
        """What stands ready, as staff read it: in their language, whole numbers masked."""
        hub, now = self._hub, datetime.now(UTC)
        found = await self._records.read(lambda db: ready_replies.replies_in(db, chat, hub, now))
        return {key: without_numbers(words(), hub.help_msisdn) for key, words in found.items()}


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])


def _typing_in(row_id: int) -> str:
    return f"typing:{row_id}"


def _with_names(db: Connection) -> list[tuple[HandOver, str]]:
    found = hand_overs.listed(db)
    whose = contacts.c.id.in_([one.contact_id for one in found if one.contact_id])
    query = select(contacts.c.id, contacts.c.names).where(whose)
    names = {row.id: without_numbers(row.names) for row in db.execute(query)}
    return [(one, names.get(one.contact_id or 0, "")) for one in found]


@dataclass(frozen=True, slots=True)
class _Found:
    """A chat, whose it is with the number masked, what was said in it, and what stood before."""

    chat: HandOver
    name: str
    number: str
    lines: list[Line]
    before: Before | None


def _read(db: Connection, row_id: int, ours: str) -> _Found | None:
    chat = hand_overs.by_id(db, row_id)
    if chat is None:
        return None
    contact = people.by_id(db, chat.contact_id) if chat.contact_id else None
    msisdn = contact.msisdn if contact is not None else ""
    lines = [
        Line(line.who, line.name, without_numbers(line.text, ours), line.at, line.id)
        for line in hand_over_lines.lines_of(db, row_id)
    ]
    return _Found(
        chat,
        without_numbers(contact.names) if contact is not None else "",
        masked(msisdn) if msisdn else "",
        lines,
        before(db, chat, msisdn or "", ours),
    )
