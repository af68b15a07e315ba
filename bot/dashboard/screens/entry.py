"""The way in and out: password, second step, one-time links, language, signing out."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pyotp
import segno
from aiohttp import web
from markupsafe import Markup

from bot.conversation import LANGUAGES
from bot.dashboard.access import links, members, staff_sessions
from bot.dashboard.access.second_step import SecondStep
from bot.dashboard.access.sign_in import PASSWORD_LEAST, SignIn, too_weak
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import HOME, VISITOR, Guard, safe_next
from bot.dashboard.rendering import FILES, STATIC, Pages
from bot.market.pin_hashing import Busy
from bot.source import Proxies, source_of
from bot.storage.records import Records

_A_YEAR = "public, max-age=31536000, immutable"


class Entry:
    """The screens that one sees before, and leaves by."""

    def __init__(
        self,
        records: Records,
        pages: Pages,
        guard: Guard,
        sign_in: SignIn,
        second_step: SecondStep,
        proxies: Proxies,
    ) -> None:
        self._records, self._pages, self._guard = records, pages, guard
        self._sign_in, self._second_step, self._proxies = sign_in, second_step, proxies

    async def ask(self, request: web.Request) -> web.Response:
        """Name and password."""
        return self._sign_in_page(request, "")

    async def password(self, request: web.Request) -> web.Response:
        """Check them; then comes the second step."""
        form = await fields_of(request)
        name, password = form.get("name", ""), form.get("password", "")
        source, old = source_of(request, self._proxies), self._guard.token_of(request)
        token, refusal = await self._sign_in.password(name, password, source, _now(), old)
        if refusal is not None:
            return self._sign_in_page(request, refusal)
        # As it came: what is read of it is no longer quoted.
        quoted = request.rel_url.raw_query_string
        query = f"?{quoted}" if quoted else ""
        return self._go_on(token, f"/dashboard/sign-in/code{query}")

    async def ask_code(self, _request: web.Request) -> web.Response:
        """The code of the second step."""
        return self._pages.page("code.html", None, problem="")

    async def code(self, request: web.Request) -> web.Response:
        """Check it; then one is in, under a new session."""
        typed = (await fields_of(request)).get("code", "")
        half = self._guard.token_of(request)
        token, refusal = await self._sign_in.code(half, typed, _now())
        if refusal is not None:
            status = 429 if refusal == "wait" else 401
            return self._pages.page("code.html", None, status=status, problem=refusal)
        return self._go_on(token, safe_next(request.query.get("next", "")))

    async def link(self, request: web.Request) -> web.Response:
        """A one-time link: the demo's signs in at once, any other asks for a password first."""
        token = request.match_info["token"]
        found = await self._records.read(lambda db: links.look(db, token, _now()))
        if found.state == "good" and found.demo:
            session = await self._sign_in.demo_link(token, _now(), self._guard.token_of(request))
            if session:
                return self._go_on(session, HOME)
        if found.state != "good" or found.demo:
            return self._dead_link(found.state)
        return self._set_up_page(token, found.name, "")

    async def set_up(self, request: web.Request) -> web.Response:
        """Set the password and the second step that the link is for."""
        link = request.match_info["token"]
        found = await self._records.read(lambda db: links.look(db, link, _now()))
        if found.state != "good" or found.demo:
            return self._dead_link(found.state)
        form = await fields_of(request)
        password, again = form.get("password", ""), form.get("again", "")
        secret = self._second_step.secret_for(link)
        step = self._second_step.step_of(secret, form.get("code", ""), _now())
        if too_weak(password, found.name):
            return self._set_up_page(link, found.name, "weak")
        if password != again:
            return self._set_up_page(link, found.name, "other")
        if step is None:
            return self._set_up_page(link, found.name, "code")
        try:
            old = self._guard.token_of(request)
            session, codes = await self._sign_in.set_up(link, password, step, _now(), old)
        except Busy:
            return self._set_up_page(link, found.name, "wait")
        if not session:
            return self._dead_link("used")
        response = self._pages.page("recovery.html", None, codes=codes)
        self._guard.sign_in(response, session)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session here and in the records."""
        token = self._guard.token_of(request)
        await self._records.write(lambda db: staff_sessions.end(db, token))
        response = web.Response(status=303, headers={"Location": "/dashboard/sign-in"})
        self._guard.sign_out(response)
        return response

    async def language(self, request: web.Request) -> web.Response:
        """Show the dashboard in another language from now on."""
        form = await fields_of(request)
        member = request[VISITOR].member
        wanted = next((one for one in LANGUAGES if one == form.get("language")), None)
        if wanted is not None:
            await self._records.write(lambda db: members.set_language(db, member.id, wanted))
        raise web.HTTPSeeOther(safe_next(form.get("next", "")))

    async def static(self, request: web.Request) -> web.Response:
        """One of the fixed files of the pages; nothing else can be asked for."""
        name = request.match_info["name"]
        if name not in FILES:
            raise web.HTTPNotFound
        text = (STATIC / name).read_text(encoding="utf-8")
        headers = {"Cache-Control": _A_YEAR}
        response = web.Response(text=text, content_type=FILES[name], headers=headers)
        response.enable_compression()
        return response

    def _go_on(self, token: str, where: str) -> web.Response:
        response = web.Response(status=303, headers={"Location": where})
        self._guard.sign_in(response, token)
        return response

    def _sign_in_page(self, request: web.Request, problem: str) -> web.Response:
        # Another language must not forget where one was going.
        wanted = request.query.get("next", "")
        return self._pages.page(
            "sign_in.html",
            None,
            status={"": 200, "wait": 429, "busy": 503}.get(problem, 401),
            problem=problem,
            demo_entry=self._sign_in.demo,
            keep=f"&next={quote(wanted, safe='', errors='replace')}" if wanted else "",
        )

    def _set_up_page(self, link: str, name: str, problem: str) -> web.Response:
        secret = self._second_step.secret_for(link)
        uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Isoko")
        picture = segno.make(uri, error="m").svg_inline(scale=4, border=2, omitsize=True)
        return self._pages.page(
            "set_up.html",
            None,
            status=422 if problem else 200,
            name=name,
            problem=problem,
            secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
            picture=Markup(picture),  # noqa: S704  drawn just here, of our own words
            least=PASSWORD_LEAST,
        )

    def _dead_link(self, state: str) -> web.Response:
        kind = "used" if state == "good" else state
        return self._pages.page("link.html", None, status=410, kind=kind)


def _now() -> datetime:
    return datetime.now(UTC)
