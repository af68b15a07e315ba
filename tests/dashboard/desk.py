"""A member of staff at a desk: a browser without the window, over real HTTP."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from html import unescape

import aiohttp
import pyotp
from yarl import URL

from bot.app import DASHBOARD, GUARD
from bot.dashboard.access import demo_supervisor, links, members
from bot.dashboard.access.roles import Role
from bot.dashboard.guard import Guard
from tests.server import Running

PASSWORD = "intore zibyina neza 7"
SHOWN = re.compile(r'<p class="secret">([A-Z2-7 ]+)</p>')
PROPOSAL = re.compile(r'name="proposal" value="([0-9]+)"')
FORM = re.compile(r'name="form" value="([0-9a-f]{32})"')


class Desk:
    """One browser. `status` and `text` are those of the last answer, redirects not followed."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._base = str(server.client.make_url("/")).rstrip("/")
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.status, self.text, self.headers, self.form = 0, "", {}, ""
        self.wire = ""

    async def __aenter__(self) -> Desk:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    @property
    def cookie(self) -> str:
        """The session in the browser, or ""."""
        return next((one.value for one in self.http.cookie_jar), "")

    @cookie.setter
    def cookie(self, value: str) -> None:
        self.http.cookie_jar.clear()
        self.http.cookie_jar.update_cookies({"isoko_staff": value}, URL(self._base))

    @property
    def headers_of_a_browser(self) -> dict[str, str]:
        """What a browser adds to a form of our own page."""
        return {"Origin": self._base, "Sec-Fetch-Site": "same-origin"}

    @property
    def base(self) -> str:
        """Where the server answers."""
        return self._base

    async def gets(self, path: str, **headers: str) -> str:
        """Open a page."""
        return await self._asks("GET", path, None, headers)

    async def raw(self, path: str) -> str:
        """Open a page, and read it as it came over the wire."""
        await self.gets(path)
        return self.wire

    async def answers(self, page: str, deed: str) -> str:
        """Press what `page` shows about what waits for a second person; what came of it."""
        found = PROPOSAL.search(await self.gets(page))
        await self.posts(f"{page}/{deed}", proposal=found[1] if found else "")
        return self.headers["Location"].partition("said=")[2]

    async def posts(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> str:
        """Send a form of our own page, with the token it carried; `headers` replace a browser's."""
        fields = {"form": self.form, **fields}
        sent = self.headers_of_a_browser if headers is None else headers
        return await self._asks("POST", path, fields, sent)

    async def _asks(self, method: str, path: str, data: object, headers: dict[str, str]) -> str:
        url = path if path.startswith("http") else self._base + path
        async with self.http.request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as response:
            self.status, self.headers = response.status, response.headers
            # A stream does not end; who wants to read it opens it with `streaming`.
            endless = response.content_type == "text/event-stream"
            self.wire = "" if endless else await response.text()
        self.text = unescape(self.wire)
        if found := FORM.search(self.text):
            self.form = found[1]
        return self.text

    async def signs_in(self, name: str, password: str, code: str) -> int:
        """Both steps; the status of the last answer."""
        await self.posts("/dashboard/sign-in", name=name, password=password)
        if self.status != 303:
            return self.status
        await self.posts("/dashboard/sign-in/code", code=code)
        return self.status


async def new_link(server: Running, name: str, role: Role) -> str:
    """What `isoko staff add` prints, as a path."""

    def work(db) -> str:
        now = datetime.now(UTC)
        return links.make(db, members.add(db, name, role, "en", now, "test").id, now)

    return f"/dashboard/welcome/{await server.parts.market.records.write(work)}"


async def demo_link(server: Running) -> str:
    """What `make run` prints, as a path."""
    write = server.parts.market.records.write
    token = await write(lambda db: demo_supervisor.demo_link(db, datetime.now(UTC)))
    return f"/dashboard/welcome/{token}"


async def joins(desk: Desk, server: Running, name: str, role: Role) -> tuple[str, list[str]]:
    """Set up a new member through their link; the authenticator's secret and the paper codes."""
    link = await new_link(server, name, role)
    secret = SHOWN.search(await desk.gets(link))[1].replace(" ", "")
    page = await desk.posts(link, password=PASSWORD, again=PASSWORD, code=code_of(secret))
    assert desk.status == 200, page
    await desk.gets("/dashboard/")
    return secret, re.findall(r"<li>([0-9a-z]{5}-[0-9a-z]{5})</li>", page)


def code_of(secret: str, seconds: int = 0) -> str:
    """What the authenticator shows, or will show."""
    return pyotp.TOTP(secret).at(int(time.time()) + seconds)


def routes(server: Running):
    """Every route of the dashboard: method, path and handler."""
    for route in server.app[DASHBOARD].router.routes():
        if route.method != "HEAD":
            yield route.method, route.resource.canonical, route.handler


def filled(path: str) -> str:
    """The path of a route with something in each of its gaps."""
    values = {
        "id": "1",
        "code": "T-2345A",
        "name": "live.js",
        "what": "orders",
        "token": "a" * 43,
        "doing": "take",
        "rule": "slow_hops",
        "mark": "0" * 16,
    }
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path)


def guard_of(server: Running) -> Guard:
    """The guard that stands before them."""
    return server.app[GUARD]
