"""Lists as a member of staff has narrowed them, kept under a name, and shared by a link."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web
from sqlalchemy import Connection, delete, func, insert, select

from bot.dashboard.access.members import Member
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import HOME, VISITOR
from bot.dashboard.rendering import Pages
from bot.i18n import N_
from bot.kept_text import kept_text
from bot.market import Market
from bot.market.staff_names import name_of
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import saved_views as rows

_PATH = "/dashboard/views"
# The lists that can be kept, by the end of their address.
LISTS = {
    "calls": N_("Live calls"),
    "call-backs": N_("Call-backs"),
    "tickets": N_("Tickets"),
    "hand-over": N_("Hand-over"),
    "orders": N_("Orders"),
    "payments": N_("Payments"),
    "messages": N_("Messages"),
    "webhooks": N_("Webhooks"),
    "webhooks/out": N_("Deliveries"),
    "people": N_("People"),
    "audit": N_("Audit"),
    "funnel": N_("Funnel"),
    "health": N_("Health"),
}
NAME_MOST, _QUERY_MOST, _VIEWS_MOST = 40, 400, 50
# Where a page stood and what it said are no part of what it shows; nobody's name is a view.
_LEFT_OUT = frozenset({"before", "said", "n", "tested", "lang"})
_LEFT_OUT_OF = {"people": frozenset({"q"})}
_KEY = re.compile(r"[a-z_]{1,16}")
_SAID = {
    "kept": N_("Kept. The link leads everybody on the staff to the same list."),
    "gone": N_("The view is gone."),
    "no_name": N_("Give it a name. Nothing was kept."),
    "too_many": N_("You have fifty views. Remove one first."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
}


@dataclass(frozen=True, slots=True)
class View:
    """One view; `page` is a key of `LISTS`, `query` what its filters are."""

    id: int
    page: str
    name: str
    query: str
    by: str = ""

    @property
    def address(self) -> str:
        """The list that it stands for."""
        return address_of(self.page, self.query)


class Views:
    """The page of one's own views, and the links that lead to anybody's."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def listed(self, request: web.Request) -> web.Response:
        """One's own; and a form for the list that one has just come from."""
        visitor = request[VISITOR]
        me = visitor.member.id
        return self._pages.page(
            "views.html",
            visitor.member,
            visitor.form,
            views=await self._records.read(lambda db: views_of(db, me)),
            lists=LISTS,
            fresh=_came_from(request),
            name_most=NAME_MOST,
            said=_SAID.get(request.query.get("said", ""), ""),
        )

    async def keep(self, request: web.Request) -> web.Response:
        """Keep a list under a name; the same name on the same list is replaced."""
        form, by, now = await fields_of(request), request[VISITOR].member, datetime.now(UTC)
        page, query = form.get("page", ""), plain_query(form.get("page", ""), form.get("query", ""))
        if page not in LISTS:
            raise web.HTTPBadRequest
        name = kept_text(form.get("name", ""), NAME_MOST)
        said = await self._records.write(lambda db: keep(db, by, page, name, query, now))
        raise web.HTTPSeeOther(f"{_PATH}?said={said}")

    async def follow(self, request: web.Request) -> web.Response:
        """Lead to the list that a view stands for, whoever kept it."""
        number = int(request.match_info["id"])
        found = await self._records.read(lambda db: one_view(db, number))
        if found is None or found.page not in LISTS:
            raise web.HTTPNotFound
        raise web.HTTPSeeOther(found.address)

    async def drop(self, request: web.Request) -> web.Response:
        """Take away a view of one's own."""
        number, me = int(request.match_info["id"]), request[VISITOR].member.id
        mine = (rows.c.id == number) & (rows.c.staff_id == me)
        gone = await self._records.write(lambda db: db.execute(delete(rows).where(mine)).rowcount)
        raise web.HTTPSeeOther(f"{_PATH}?said={'gone' if gone else 'no_effect'}")


def views_of(db: Connection, staff_id: int) -> list[View]:
    """A member's views, by list and name."""
    wanted = rows.c.id, rows.c.page, rows.c.name, rows.c.query
    query = select(*wanted).where(rows.c.staff_id == staff_id).order_by(rows.c.page, rows.c.name)
    return [View(*row) for row in db.execute(query).all()]


def one_view(db: Connection, number: int) -> View | None:
    """The view with this number, whosever it is."""
    row = db.execute(select(rows).where(rows.c.id == number)).first()
    if row is None:
        return None
    return View(row.id, row.page, row.name, row.query, name_of(db, row.staff_id))


def keep(db: Connection, by: Member, page: str, name: str, query: str, now: datetime) -> str:
    """Keep a view of this member; what came of it."""
    if not name:
        return "no_name"
    one_at_a_time(db, f"views {by.id}")
    same = (rows.c.staff_id == by.id) & (rows.c.page == page) & (rows.c.name == name)
    db.execute(delete(rows).where(same))
    count = select(func.count()).where(rows.c.staff_id == by.id)
    if (db.execute(count).scalar() or 0) >= _VIEWS_MOST:
        return "too_many"
    values = {"staff_id": by.id, "page": page, "name": name, "query": query, "made_at": now}
    db.execute(insert(rows).values(values))
    return "kept"


def plain_query(page: str, typed: str) -> str:
    """The filters of an address, and nothing else of it; "" where they are too long to keep."""
    left_out = _LEFT_OUT | _LEFT_OUT_OF.get(page, frozenset())
    pairs = [
        (name, value)
        for name, value in parse_qsl(typed[: 4 * _QUERY_MOST])
        if _KEY.fullmatch(name) and name not in left_out
    ]
    query = urlencode(pairs)
    return query if len(query) <= _QUERY_MOST else ""


def address_of(page: str, query: str) -> str:
    """The address of a list with these filters."""
    return f"{HOME}{page}{'?' if query else ''}{query}"


def _came_from(request: web.Request) -> View | None:
    """The list that the browser says one came from: it tells that to our own pages only."""
    try:
        parts = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return None
    page = parts.path.removeprefix(HOME)
    if parts.netloc != request.host or page not in LISTS:
        return None
    return View(0, page, "", plain_query(page, parts.query))
