"""Messages: what could not be sent to people, and sending it again."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.access.roles import REPLAYERS
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import address, before_asked, choice_asked
from bot.dashboard.screens.message_desk import WAY_WORDS, messages
from bot.i18n import N_
from bot.market import Market
from bot.storage import outbox
from bot.storage.schema import outbox as letters

_PATH = "/dashboard/messages"
_SAID = {
    "again": N_("It waits to be sent again. If it fails once more, it comes back here."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
}


class Messages:
    """The page of what could not be sent."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def listed(self, request: web.Request) -> web.Response:
        """The newest first; the address keeps the filter and the page."""
        visitor, before = request[VISITOR], before_asked(request)
        filters = {"way": choice_asked(request, "way", WAY_WORDS)}
        found, following = await self._records.read(lambda db: messages(db, filters, before))
        return self._pages.page(
            "messages.html",
            visitor.member,
            visitor.form,
            messages=found,
            filters=filters,
            next_page=address(_PATH, **filters, before=following) if following else "",
            ways=WAY_WORDS,
            said=_SAID.get(request.query.get("said", ""), ""),
            may_replay=visitor.member.role in REPLAYERS,
        )

    async def again(self, request: web.Request) -> web.Response:
        """Let one leave again, under its old key."""
        letter_id, now = int(request.match_info["id"]), datetime.now(UTC)
        member = request[VISITOR].member
        said = await self._records.write(lambda db: send_again(db, letter_id, member, now))
        raise web.HTTPSeeOther(address(_PATH, said=said))


def send_again(db: Connection, letter_id: int, by: Member, now: datetime) -> str:
    """A message that was given up leaves again under its old key; any other has no effect."""
    mine = (letters.c.id == letter_id) & letters.c.kind.in_(WAY_WORDS)
    key = db.execute(select(letters.c.dedupe_key).where(mine)).scalar()
    said = "again" if key is not None and outbox.replay(db, key, now) else "no_effect"
    note(db, by.name, "message sent again", f"message {letter_id}", now, outcome=said)
    return said
