"""The dashboard's guard: who is it, may they, and was it their own click; and safe headers."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import quote, urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from sqlalchemy import Connection

from bot.conversation import LANGUAGES, Language
from bot.dashboard.access import members, staff_sessions
from bot.dashboard.access.members import Member
from bot.dashboard.access.newly_set_up import NewlySetUp
from bot.dashboard.access.roles import ANYBODY
from bot.dashboard.access.tokens import csrf_of
from bot.dashboard.forms import fields_of
from bot.dashboard.rendering import RENEWED, Pages
from bot.faults import new_request_id
from bot.i18n import speaking
from bot.source import NO_PROXIES, Proxies, source_of
from bot.storage.origin import Origin, comes_from
from bot.storage.records import Records, RecordsDown

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# A file comes over a slow line.
_FILE_S = 60.0
# A page that asks for itself again says so: looking on is not doing something.
POLL = "X-Isoko-Poll"
HOME, SIGN_IN = "/dashboard/", "/dashboard/sign-in"
_IP_MAX = 45
_SAFE = frozenset({"GET", "HEAD"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",
    "Server": "isoko",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: a member of staff, and the token that their forms must carry."""

    member: Member
    form: str


VISITOR: web.RequestKey[Visitor] = web.RequestKey("visitor", Visitor)


class Guard:
    """Stands before every page. A route that nobody was given to is refused to all."""

    def __init__(
        self,
        records: Records,
        pages: Pages,
        refused: Callable[[str], None],
        *,
        secure: bool,
        demo: bool,
        address: str = "",
        proxies: Proxies = NO_PROXIES,
    ) -> None:
        self._records, self._pages, self._count = records, pages, refused
        self._secure, self._demo, self._address = secure, demo, address
        self._proxies = proxies
        self._allowed: dict[Handler, frozenset[str]] = {}
        self._streams: set[Handler] = set()
        self._files: dict[Handler, int] = {}
        # A browser sends and keeps a `__Host-` cookie for this very host over https only.
        self.cookie = "__Host-isoko" if secure else "isoko_staff"

    def allow(self, handler: Handler, roles: frozenset[str], *, stream: bool = False) -> None:
        """Let these roles use what `handler` answers; `ANYBODY` needs no sign-in.

        A `stream` stays open: it is for pages of ours alone, and to look on is not to do something.
        """
        self._allowed[handler] = roles
        if stream:
            self._streams.add(handler)

    def allow_file(self, handler: Handler, most: int) -> None:
        """Let the form that `handler` answers carry a file; all of it has at most `most` bytes."""
        self._files[handler] = most

    def roles_of(self, handler: Handler) -> frozenset[str] | None:
        """Who was given this route, or None when nobody was."""
        return self._allowed.get(handler)

    def token_of(self, request: web.Request) -> str:
        """The session's token that the browser sent, or ""."""
        return request.cookies.get(self.cookie, "")

    def address_of(self, request: web.Request) -> str:
        """Where browsers reach this server. Behind a proxy the scheme seen here is another."""
        scheme = "https" if self._secure else request.scheme
        return self._address or f"{scheme}://{request.host}"

    def sign_in(self, response: web.StreamResponse, token: str) -> None:
        """Give the browser its session."""
        response.set_cookie(
            self.cookie, token, path="/", httponly=True, secure=self._secure, samesite="Lax"
        )

    def sign_out(self, response: web.StreamResponse) -> None:
        """Take the session from the browser."""
        response.del_cookie(
            self.cookie, path="/", httponly=True, secure=self._secure, samesite="Lax"
        )

    @property
    def middleware(self) -> Middleware:
        """What aiohttp puts around every handler of the dashboard."""

        @web.middleware
        async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await self._answer(request, handler)
            if not response.prepared:
                self.harden(response)
            return response

        return stand

    def harden(self, response: web.StreamResponse) -> None:
        """Give an answer the headers that keep it safe; one that is streamed before it begins."""
        for name, value in _HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        if self._secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"

    async def still_may(self, request: web.Request) -> bool:
        """Whether who opened this stream is still signed in, and may still look on."""
        visitor = await self._visitor(request)
        roles = self._allowed.get(request.match_info.handler)
        return visitor is not None and roles is not None and visitor.member.role in roles

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        visitor: Visitor | None = None
        status, request_id, until = 503, "", None
        try:
            visitor = await self._visitor(request)
            with speaking(_language(request, visitor)):
                return await self._let_in(request, handler, visitor)
        except web.HTTPRedirection as redirect:
            return web.Response(status=303, headers={"Location": redirect.headers["Location"]})
        except web.HTTPException as refused:
            status = refused.status
        except NewlySetUp as new:
            status, until = 409, new.until
        except RecordsDown as down:
            log.warning("a page waits for the records", why=str(down))
        except Exception:  # a page that breaks is a plain page, not a closed connection
            page, request_id = request.match_info.handler.__name__, new_request_id()
            log.exception("a page failed", path=page, request_id=request_id)
            status = 500
        with speaking(_language(request, visitor)):
            member = visitor.member if visitor else None
            form = visitor.form if visitor else ""
            said = {"kind": status, "request_id": request_id, "until": until}
            return self._pages.page("problem.html", member, form, status=status, **said)

    async def _visitor(self, request: web.Request) -> Visitor | None:
        token, ip = self.token_of(request), source_of(request, self._proxies)[:_IP_MAX]
        comes_from(Origin(ip))
        if not token:
            return None
        now = datetime.now(UTC)
        looking_on = self._looks_on(request) or RENEWED in request.query

        def look(db: Connection) -> tuple[Member | None, bool]:
            found = staff_sessions.find(db, token, "full", now)
            member = members.by_id(db, found.staff_id) if found else None
            return member, found is not None and found.noted_long_ago

        member, touch = await self._records.read(look)
        if member is None or (member.demo and not self._demo):
            return None
        if touch and not looking_on:
            await self._records.write(lambda db: staff_sessions.touch(db, token, now))
        comes_from(Origin(ip, staff_sessions.mark_of(token)))
        visitor = Visitor(member, csrf_of(token))
        request[VISITOR] = visitor
        return visitor

    def _looks_on(self, request: web.Request) -> bool:
        return POLL in request.headers or request.match_info.handler in self._streams

    async def _let_in(
        self, request: web.Request, handler: Handler, visitor: Visitor | None
    ) -> web.StreamResponse:
        if (unknown := request.match_info.http_exception) is not None:
            raise unknown
        roles = self._allowed.get(handler)
        changes = request.method not in _SAFE
        if changes and not _from_our_own_page(request):
            await self._refuse(request, visitor, "from another site")
        if roles is ANYBODY:
            return await handler(request)
        if request.match_info.handler in self._streams and not _not_from_elsewhere(request):
            await self._refuse(request, visitor, "from another site")
        if visitor is None and self._looks_on(request):
            raise web.HTTPUnauthorized
        if visitor is None:
            _send_to_sign_in(request)
        if roles is None or visitor.member.role not in roles:
            await self._refuse(request, visitor, "not this role")
        if changes:
            if (most := self._files.get(handler)) is not None:
                # Only now: a stranger's large body is not read.
                request = request.clone(client_max_size=most)
                given = (await fields_of(request, _FILE_S)).get("form", "")
            else:
                given = (await fields_of(request)).get("form", "")
            if not hmac.compare_digest(given.encode(), visitor.form.encode()):
                await self._refuse(request, visitor, "without the form's token")
        try:
            return await handler(request)
        except NewlySetUp:
            await self._on_record(request, visitor, "set up by a link a moment ago")
            raise

    async def refuse(self, request: web.Request, why: str) -> NoReturn:
        """Refuse what somebody asks of a page that they may use, on record."""
        await self._refuse(request, request[VISITOR], why)

    async def _refuse(self, request: web.Request, visitor: Visitor | None, why: str) -> NoReturn:
        if visitor is None:
            # Anybody may knock as often as they like: that is a figure, and no line that stays.
            self._count(why)
            raise web.HTTPForbidden
        await self._on_record(request, visitor, why)
        raise web.HTTPForbidden

    async def _on_record(self, request: web.Request, visitor: Visitor, why: str) -> None:
        actor = visitor.member.name
        resource = request.match_info.route.resource
        page = resource.canonical if resource else ""
        now = datetime.now(UTC)

        def write(db: Connection) -> None:
            members.note(db, actor, "refused", page, now, why=why, method=request.method)

        await self._records.write(write)
        log.warning("dashboard refused", staff=actor, page=page, why=why)


def _send_to_sign_in(request: web.Request) -> NoReturn:
    # Back to where one was going, when going there again changes nothing.
    again = request.method in _SAFE and request.path != HOME
    where = f"?next={quote(request.path_qs, safe='', errors='replace')}" if again else ""
    raise web.HTTPSeeOther(f"{SIGN_IN}{where}")


def safe_next(text: str) -> str:
    """A page of ours to go on to; anything else leads home."""
    inside = text.startswith(HOME) and "\\" not in text and "//" not in text and text.isprintable()
    return text if inside and not text.startswith(SIGN_IN) else HOME


def _from_our_own_page(request: web.Request) -> bool:
    """Whether the browser says that a page of ours sent this; a browser that says nothing is not.

    Only the host is compared: behind a proxy the scheme seen here is another.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    try:
        return urlsplit(request.headers.get("Origin", "")).netloc == request.host
    except ValueError:
        return False


def _not_from_elsewhere(request: web.Request) -> bool:
    """The same of what is only looked at, for which a browser names no origin on our own pages."""
    if "Origin" in request.headers:
        return _from_our_own_page(request)
    return request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"


def _language(request: web.Request, visitor: Visitor | None) -> Language:
    if visitor is not None:
        return visitor.member.language
    asked = [request.query.get("lang", "")]
    asked += [part.strip()[:2] for part in request.headers.get("Accept-Language", "").split(",")]
    for one in asked:
        for language in LANGUAGES:
            if one == language:
                return language
    return "en"
