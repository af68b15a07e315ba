"""The web phone at /simulator/, a chat beside it, and windows on the pretended outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web

from bot.simulator.headers import HEADERS
from bot.simulator.network import Network

_STATIC = Path(__file__).parent / "static"
_FILES = {
    "phone.css": "text/css",
    "phone.js": "text/javascript",
    "gsm7.js": "text/javascript",
    "outside.js": "text/javascript",
    "chat.css": "text/css",
    "chat.js": "text/javascript",
    "bubbles.js": "text/javascript",
    "buyer.css": "text/css",
    "buyer.js": "text/javascript",
    "goods.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
# What both pages have: the phone, who calls with it, and what it said on the wire.
_SHARED = ("handset", "caller", "wire")
# Where the phone sends its hops while the network is to be bad.
_NETWORK = "/simulator/network"
_PHOTO_MAX = 8 * 1024 * 1024
_ASIDE = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class CastMember:
    """Somebody to call as."""

    msisdn: str
    label: str
    network: str


class Simulator:
    """The routes under /simulator/; in production they do not exist."""

    def __init__(
        self,
        *,
        gateway_path: str,
        events_path: str,
        service_code: str,
        sandbox_url: str,
        cast: Sequence[CastMember],
        http: aiohttp.ClientSession,
        waiting: Callable[[], Awaitable[list[dict[str, Any]]]],
    ) -> None:
        self._config = {
            "gateway_path": gateway_path,
            "events_path": events_path,
            "network_path": _NETWORK,
            "service_code": service_code,
            "cast": [{**asdict(member), "telegram": _on_telegram(member)} for member in cast],
        }
        self._network = Network(http, f"{sandbox_url}/sandbox/state.json", gateway_path)
        self._sandbox_url, self._http, self._waiting = sandbox_url, http, waiting

    def mount(self, app: web.Application) -> None:
        """Add the routes, and send visitors of `/` here."""
        add = app.router.add_get
        add("/", self.welcome)
        add("/simulator", self.welcome)
        add("/simulator/", self.page)
        add("/simulator/config.json", self.config)
        add("/simulator/static/{name}", self.static)
        add("/simulator/sms.json", self.sms)
        add("/simulator/operator.json", self.operator)
        add("/simulator/waiting.json", self.waiting)
        app.router.add_post(_NETWORK, self._network.carry)
        app.router.add_post("/simulator/operator/switches", self.switches)
        add("/simulator/telegram", self.chat_page)
        add("/simulator/telegram/chat.json", self.chat)
        add("/simulator/telegram/files/{file_id}", self.chat_file)
        app.router.add_post("/simulator/telegram/do", self.in_chat)

    async def welcome(self, _request: web.Request) -> web.Response:
        """Lead to the phone."""
        raise web.HTTPFound("/simulator/")

    async def page(self, _request: web.Request) -> web.Response:
        """The page with the phone."""
        return _page("phone.html")

    async def chat_page(self, _request: web.Request) -> web.Response:
        """The page with the chat and the phone."""
        return _page("chat.html")

    async def static(self, request: web.Request) -> web.Response:
        """One of the fixed files of the page; nothing else can be asked for."""
        name = request.match_info["name"]
        if name not in _FILES:
            raise web.HTTPNotFound
        return web.Response(text=_text(name), content_type=_FILES[name], headers=HEADERS)

    async def config(self, _request: web.Request) -> web.Response:
        """Where to dial, and as whom."""
        return web.json_response(self._config)

    async def sms(self, request: web.Request) -> web.Response:
        """The inbox of a number, from the pretended SMS provider."""
        return await self._pass_on("GET", f"/sandbox/sms.json?{request.query_string}")

    async def operator(self, _request: web.Request) -> web.Response:
        """The pretended operator's transfers, float and switches."""
        return await self._pass_on("GET", "/sandbox/state.json")

    async def waiting(self, _request: web.Request) -> web.Response:
        """The payments that the hub still waits for, and why: no operator knows of all of them."""
        return web.json_response({"payments": await self._waiting()})

    async def switches(self, request: web.Request) -> web.Response:
        """Switch a nuisance of the pretended operator on or off."""
        return await self._pass_on("POST", "/sandbox/switches", await request.read())

    async def chat(self, request: web.Request) -> web.Response:
        """A person's chat, from the pretended Telegram."""
        return await self._pass_on("GET", f"/sandbox/telegram/chat.json?{request.query_string}")

    async def in_chat(self, request: web.Request) -> web.Response:
        """What a person does in the chat: write, press, share, block."""
        # A photo is larger than all that gateways ever send.
        body = await request.clone(client_max_size=_PHOTO_MAX).read()
        return await self._pass_on("POST", "/sandbox/telegram/do", body)

    async def chat_file(self, request: web.Request) -> web.Response:
        """A photo or a document of the chat."""
        name = quote(request.match_info["file_id"], safe="")
        return await self._pass_on("GET", f"/sandbox/telegram/files/{name}")

    async def _pass_on(self, method: str, path: str, body: bytes | None = None) -> web.Response:
        try:
            async with self._http.request(
                method, f"{self._sandbox_url}{path}", data=body, timeout=_ASIDE
            ) as response:
                data, status, kind = await response.read(), response.status, response.content_type
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = {"error": f"the sandbox does not answer: {type(error).__name__}"}
            return web.json_response(problem, status=502)
        headers = {"X-Content-Type-Options": "nosniff"}
        return web.Response(body=data, status=status, content_type=kind, headers=headers)


def _text(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _page(name: str) -> web.Response:
    """A page with the parts it shares put in where it names them."""
    text = _text(name)
    for part in _SHARED:
        text = text.replace(f"<!-- {part} -->\n", _text(f"{part}.html"))
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


def _on_telegram(member: CastMember) -> dict[str, Any]:
    """The same person on the pretended Telegram."""
    name, _, language = member.label.rpartition(", ")
    return {
        "id": account_of(member.msisdn),
        "first_name": (name or language).split()[0],
        "language_code": {"French": "fr"}.get(language, "en"),
        "phone": member.msisdn,
    }


def account_of(msisdn: str) -> int:
    """The pretended Telegram account of somebody in the cast."""
    return 700_000_000 + int(msisdn[-4:])
