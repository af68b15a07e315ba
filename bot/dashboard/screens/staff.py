"""Staff: who may do what, where they are signed in, and changing that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection

from bot.conversation import LANGUAGES
from bot.dashboard.access import members, staff_sessions
from bot.dashboard.access.members import Member, NameTaken, NotAName
from bot.dashboard.access.roles import ADMINS, ROLES
from bot.dashboard.access.sign_in import SignIn
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR, Guard
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import staff_deeds
from bot.i18n import N_
from bot.market import Market, proposals

_PATH = "/dashboard/staff"
_SAID = {
    "changed": N_("Changed. They sign in again, and have it then."),
    "proposed": N_("Noted. A second administrator gives the same role."),
    "link_proposed": N_("Noted. A second administrator makes the link."),
    "alone": N_("No other administrator could agree. On the server {command} makes a link."),
    "another": N_("What waits here is another than you were shown. Nothing was done: look again."),
    "same_person": N_("You have asked for this. A second, different person must do it."),
    "last_admin": N_("Refused: nobody else could change the staff then."),
    "not_own": N_("Refused: another administrator makes your link."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
    "revoked": N_("No access any more, and signed out everywhere."),
    "signed_out": N_("Signed out."),
    "wrong": N_("This code is not right. Nothing was changed."),
    "wait": N_("Too many tries. Wait a quarter of an hour."),
    "taken": N_("There is somebody with this name already."),
    "no_name": N_("This cannot be a name."),
}
_Deed = Callable[[Connection, Member, Member, datetime], tuple[str, str]]


class Staff:
    """The pages about the staff."""

    def __init__(self, market: Market, pages: Pages, guard: Guard, sign_in: SignIn) -> None:
        self._records, self._pages = market.records, pages
        self._guard, self._sign_in = guard, sign_in

    async def listed(self, request: web.Request) -> web.Response:
        """Everybody, their roles, and how often they are signed in."""
        return await self._list_page(request, request.query.get("said", ""))

    async def one(self, request: web.Request) -> web.Response:
        """One member: where they are signed in, and what can be changed."""
        return await self._one_page(request, request.query.get("said", ""))

    async def add(self, request: web.Request) -> web.Response:
        """A new member; the link for them is shown once, here."""
        by, form, now = request[VISITOR].member, await fields_of(request), _now()
        role = staff_deeds.role_of(form.get("role", ""))
        language = next((one for one in LANGUAGES if one == form.get("language")), LANGUAGES[0])
        if role is None or role == "admin":
            raise web.HTTPBadRequest

        def work(db: Connection) -> tuple[str, str]:
            if refusal := self._sign_in.again(db, by.id, form.get("code", ""), now):
                return refusal, ""
            member = members.add(db, form.get("name", ""), role, language, now, by.name)
            return "linked", staff_deeds.make_link(db, member, by, now)

        try:
            said, token = await self._records.write(work)
        except NameTaken:
            said, token = "taken", ""
        except NotAName:
            said, token = "no_name", ""
        return await self._list_page(request, said, token)

    async def role(self, request: web.Request) -> web.Response:
        """Another role for a member."""
        form = await fields_of(request)
        role = staff_deeds.role_of(form.get("role", ""))
        if role is None:
            raise web.HTTPBadRequest

        def work(db: Connection, who: Member, by: Member, now: datetime) -> tuple[str, str]:
            return staff_deeds.change_role(db, who, role, by, form, now), ""

        return await self._do(request, work)

    async def link(self, request: web.Request) -> web.Response:
        """A new link for who lost password or phone; by two where there is an account already."""
        form = await fields_of(request)
        return await self._do(
            request, lambda db, who, by, now: staff_deeds.new_link(db, who, by, form, now)
        )

    async def revoke(self, request: web.Request) -> web.Response:
        """End a member's access."""
        return await self._do(
            request, lambda db, who, by, now: (staff_deeds.revoke(db, who, by, now), "")
        )

    async def sign_out(self, request: web.Request) -> web.Response:
        """Sign a member out, in one place or everywhere; in haste, without another code."""
        mark, by, now = (await fields_of(request)).get("which", ""), request[VISITOR].member, _now()

        def work(db: Connection) -> str:
            whose = _whose(db, request)
            return staff_deeds.end_sessions(db, whose, mark, by, now)

        said = await self._records.write(work)
        raise web.HTTPSeeOther(f"{_PATH}/{request.match_info['id']}?said={said}")

    async def _do(self, request: web.Request, deed: _Deed) -> web.Response:
        by, form, now = request[VISITOR].member, await fields_of(request), _now()

        def work(db: Connection) -> tuple[str, str]:
            if refusal := self._sign_in.again(db, by.id, form.get("code", ""), now):
                return refusal, ""
            return deed(db, _whose(db, request), by, now)

        said, token = await self._records.write(work)
        if token or said not in {"changed", "proposed", "link_proposed", "revoked"}:
            return await self._one_page(request, said, token)
        raise web.HTTPSeeOther(f"{_PATH}/{request.match_info['id']}?said={said}")

    async def _list_page(self, request: web.Request, said: str, token: str = "") -> web.Response:
        visitor, now = request[VISITOR], _now()

        def look(db: Connection) -> list[tuple[Member, int]]:
            everybody = members.listed(db)
            return [(one, len(staff_sessions.living(db, one.id, now))) for one in everybody]

        return self._pages.page(
            "staff.html",
            visitor.member,
            visitor.form,
            status=_status(said),
            everybody=await self._records.read(look),
            link=self._link(request, token),
            said=_SAID.get(said, ""),
            may_change=visitor.member.role in ADMINS,
            offered=[one for one in ROLES if one != "admin"],
        )

    async def _one_page(self, request: web.Request, said: str, token: str = "") -> web.Response:
        visitor, now = request[VISITOR], _now()
        read = self._records.read
        whose = await read(lambda db: _whose(db, request))
        subject = f"staff {whose.name}"
        return self._pages.page(
            "staff_member.html",
            visitor.member,
            visitor.form,
            status=_status(said),
            whose=whose,
            sessions=await read(lambda db: staff_sessions.living(db, whose.id, now)),
            proposal=await read(lambda db: proposals.waiting(db, "role", subject)),
            link_proposal=await read(lambda db: proposals.waiting(db, "link", subject)),
            alone=whose.ready
            and await read(lambda db: staff_deeds.is_alone(db, whose, visitor.member)),
            alone_words=_SAID["alone"],
            link=self._link(request, token),
            said=_SAID.get(said, ""),
            may_change=visitor.member.role in ADMINS and not whose.revoked and not whose.demo,
            may_end=visitor.member.role in ADMINS,
            every_role=ROLES,
        )

    def _link(self, request: web.Request, token: str) -> str:
        return f"{self._guard.address_of(request)}/dashboard/welcome/{token}" if token else ""


def _whose(db: Connection, request: web.Request) -> Member:
    found = members.with_id(db, int(request.match_info["id"]))
    if found is None:
        raise web.HTTPNotFound
    return found


def _status(said: str) -> int:
    refused = {"wrong": 401, "wait": 429, "taken": 409, "no_name": 422}
    nothing_done = {"last_admin", "not_own", "same_person", "another", "alone"}
    return refused.get(said, 409 if said in nothing_done else 200)


def _now() -> datetime:
    return datetime.now(UTC)
