"""A pretended Telegram: the Bot API over real HTTP, as strict as the real one, with its floods.

Source: the Bot API as restated by python-telegram-bot, as collected in the project's wire facts,
section 6. Nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from bot.sandbox.nuisances import cut_off
from bot.sandbox.telegram_bodies import Refused, arguments
from bot.sandbox.telegram_chats import Chats
from bot.sandbox.telegram_delivery import Delivery
from bot.sandbox.telegram_flood import Flood
from bot.sandbox.telegram_methods import Methods
from bot.sandbox.telegram_people import People

TOKEN = "1:demo-token-of-the-sandbox"  # noqa: S105  of the demo only
_SILENCE_S = 60.0
_NO_MESSAGES = ("answercallbackquery", "deletemessage")


@dataclass(frozen=True, slots=True)
class Fault:
    """What the next call that speaks to a chat meets, once.

    `status` is an HTTP status: 429 with `retry_after`, or 5xx, and nothing is taken. "reset" cuts
    the connection after the message was taken, "silence" never answers then.
    """

    how: str = "status"
    status: int = 500
    retry_after: int = 0
    chat_id: int | None = None


class PretendedTelegram:
    """One bot, its chats, and how updates reach us."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.chats = Chats()
        self.delivery = Delivery(http)
        self.flood = Flood()
        self.methods = Methods(self.chats)
        self.people = People(self.chats, self.delivery, self.methods)
        # The next in line is the first to be met.
        self.faults: list[Fault] = []
        self.calls = 0
        self._closing = asyncio.Event()

    def mount(self, app: web.Application) -> None:
        """Add the Bot API, its files, and what the demo page asks, to `app`."""
        app.router.add_route("*", "/bot{token}/{method}", self.call)
        app.router.add_get("/file/bot{token}/{path:.+}", self.download)
        app.router.add_post("/sandbox/telegram/faults", self.set_faults)
        self.people.mount(app)

    def start(self) -> None:
        """Begin to deliver updates."""
        self.delivery.start()

    async def close(self) -> None:
        """Deliver no more, and let go of whom no answer was given."""
        self._closing.set()
        await self.delivery.stop()

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Any method of the Bot API."""
        self.calls += 1
        try:
            return await self._answer(request)
        except Refused as no:
            said: dict[str, Any] = {
                "ok": False,
                "error_code": no.status,
                "description": no.description,
            }
            if no.parameters:
                said["parameters"] = no.parameters
            return web.json_response(said, status=no.status)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != TOKEN:
            known_form = ":" in request.match_info["token"]
            raise Refused(401, "Unauthorized") if known_form else Refused(404, "Not Found")
        name = request.match_info["method"].lower()
        method = self._method(name)
        args = await arguments(request)
        fault = self._next_fault(args) if "chat_id" in args else None
        if fault is not None and fault.how == "status":
            return _failed(fault)
        if "chat_id" in args and name not in _NO_MESSAGES and name != "sendchataction":
            self.methods.must_reach(args)
            self.flood.take(int(args["chat_id"]))
        result = method(args)
        if inspect.isawaitable(result):
            result = await result
        if fault is not None and fault.how == "silence":
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _SILENCE_S)
        if fault is not None:
            return cut_off(request)
        return web.json_response({"ok": True, "result": result})

    def _method(self, name: str) -> Callable[[dict[str, Any]], Any]:
        ways: dict[str, Callable[[dict[str, Any]], Any]] = {
            "setwebhook": self.delivery.set_webhook,
            "deletewebhook": lambda args: self.delivery.set_webhook({**args, "url": ""}),
            "getwebhookinfo": self.delivery.webhook_info,
            "getupdates": self.delivery.updates,
        }
        found = ways.get(name) or self.methods.by_name(name)
        if found is None:
            raise Refused(404, "Not Found")
        return found

    def _next_fault(self, args: dict[str, Any]) -> Fault | None:
        for fault in self.faults:
            if fault.chat_id is None or str(fault.chat_id) == str(args["chat_id"]):
                self.faults.remove(fault)
                return fault
        return None

    async def download(self, request: web.Request) -> web.Response:
        """A file, by the path that getFile gave."""
        file_id = request.match_info["path"].rpartition("/")[2]
        upload = self.chats.files.get(file_id)
        if upload is None or request.match_info["token"] != TOKEN:
            raise web.HTTPNotFound
        return web.Response(body=upload.data, content_type="application/octet-stream")

    async def set_faults(self, request: web.Request) -> web.Response:
        """Put faults in line: a JSON list of objects such as {"how": "reset"}."""
        try:
            self.faults = [Fault(**one) for one in await request.json()]
        except (TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"faults": len(self.faults)})


def _failed(fault: Fault) -> web.Response:
    if fault.status == 429:
        words = f"Too Many Requests: retry after {fault.retry_after}"
        raise Refused(429, words, retry_after=fault.retry_after)
    if fault.status == 502:
        return web.Response(
            status=502, text="<html>502 Bad Gateway</html>", content_type="text/html"
        )
    raise Refused(fault.status, "Internal Server Error")
