"""Messages: what could not be sent to people, and sending it again."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.access.roles import REPLAYERS
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import address, before_asked, choice_asked, id_asked
from bot.dashboard.screens.message_desk import WAY_WORDS, messages
from bot.dashboard.screens.message_lots import MessageLots, reasons
from bot.i18n import N_
from bot.market import Market
from bot.storage import outbox
from bot.storage.schema import outbox as letters

_PATH = "/dashboard/messages"
# A small job is over by then.
_MOMENT_S = 1.0
_SAID = {
    "again": N_("It waits to be sent again. If it fails once more, it comes back here."),
    "all_begun": N_("{n} are being sent again. You may close this page."),
    "all_again": N_("{n} wait to be sent again."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
}


class Messages:
    """The page of what could not be sent."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages
        self.lots = MessageLots(market.records)

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
            reasons=await reasons(self._records),
            jobs=self.lots.under_way(),
            said=_SAID.get(request.query.get("said", ""), ""),
            said_of=id_asked(request, "n"),
            may_replay=visitor.member.role in REPLAYERS,
        )

    async def again(self, request: web.Request) -> web.Response:
        """Let one leave again, under its old key."""
        letter_id, now = int(request.match_info["id"]), datetime.now(UTC)
        member = request[VISITOR].member
        said = await self._records.write(lambda db: send_again(db, letter_id, member, now))
        raise web.HTTPSeeOther(address(_PATH, said=said))

    async def all_again(self, request: web.Request) -> web.Response:
        """Let all leave again that were given up for one reason: pressed twice it is one job."""
        mark, by = request.match_info["mark"], request[VISITOR].member
        known = {one.mark: one for one in await reasons(self._records)}
        if mark not in known:
            raise web.HTTPSeeOther(address(_PATH, said="no_effect"))
        job = await self.lots.send(known[mark], by, _MOMENT_S)
        said, count = ("all_again", job.done) if job.over else ("all_begun", job.of)
        raise web.HTTPSeeOther(f"{_PATH}?said={said}&n={count}")


def send_again(db: Connection, letter_id: int, by: Member, now: datetime) -> str:
    """A message that was given up leaves again under its old key; any other has no effect."""
    mine = (letters.c.id == letter_id) & letters.c.kind.in_(WAY_WORDS)
    key = db.execute(select(letters.c.dedupe_key).where(mine)).scalar()
    said = "again" if key is not None and outbox.replay(db, key, now) else "no_effect"
    note(db, by.name, "message sent again", f"message {letter_id}", now, outcome=said)
    return said
