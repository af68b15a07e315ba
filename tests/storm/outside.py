"""The pretended operators and SMS provider in the storm, over HTTP on a socket file."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.sandbox.airtel_access import as_object, read_object
from bot.sandbox.airtel_money import PretendedAirtel
from bot.sandbox.memory import Notebook
from bot.sandbox.mtn_momo import PretendedMomo
from bot.sandbox.sms import PretendedSms
from bot.sandbox.switches import Switches
from tests.storm.weather import Weather

# Of the request that is being answered, and of the callback that comes of it.
_now: ContextVar[Switches | None] = ContextVar("switches", default=None)


class _ByWeather:
    """Switches of the request at hand, in place of one set for all."""

    @property
    def switches(self) -> Switches:
        return _now.get() or Switches()

    @switches.setter
    def switches(self, _all: Switches) -> None:
        """Only the weather says."""


class StormyMomo(_ByWeather, PretendedMomo):
    """MTN in the storm."""


class StormyAirtel(_ByWeather, PretendedAirtel):
    """Airtel in the storm."""


class StormySms(_ByWeather, PretendedSms):
    """Africa's Talking in the storm."""


class Outside:
    """All three behind one socket file. They outlive every death of our server."""

    def __init__(self, socket: Path, app_socket: Path, weather: Weather) -> None:
        self._socket, self.weather = socket, weather
        self._http = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(app_socket)))
        notebook = Notebook(None)
        self.momo, self.airtel = (
            StormyMomo(notebook, self._http),
            StormyAirtel(notebook, self._http),
        )
        self.airtel.callback_url = "http://isoko/payments/airtel-money/callback/portal"
        self.sms, self.messages = StormySms(notebook), notebook
        self.sent_at_once = 0

    async def start(self) -> None:
        """Answer until stopped."""
        app = web.Application(middlewares=[self._under_weather])
        for part in (self.momo, self.airtel, self.sms):
            part.mount(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._socket)).start()

    async def stop(self) -> None:
        """Stop answering."""
        await self.momo.close()
        await self.airtel.close()
        await self._runner.cleanup()
        await self._http.close()

    def sms_texts(self) -> list[tuple[str, str]]:
        """Every message delivered: to whom, and what it says."""
        return [(one["to"], one["text"]) for one in self.messages.all("sms")]

    async def calls_back_again(self, which: int) -> None:
        """An old callback comes once more, out of its order."""
        momo, airtel = self.momo.transfers(), self.airtel.transfers()
        transfer = (momo + airtel)[which % (len(momo) + len(airtel))]
        if transfer in airtel:
            await self.airtel._callbacks.call_back(transfer)
        else:
            await self.momo._call_back(transfer)

    @web.middleware
    async def _under_weather(self, request: web.Request, handler) -> web.StreamResponse:
        if request.path == "/version1/messaging":
            form = await request.post()
            _now.set(self.weather.sms(f"{form.get('to')} {form.get('message')}"))
            return await handler(request)
        asks = request.method == "POST" and "token" not in request.path
        of_mtn = request.path.startswith(("/disbursement/", "/collection/"))
        operator = "mtn-momo" if of_mtn else "airtel-money"
        reference = await self._reference(request)
        _now.set(await self.weather.over(reference, "ask" if asks else "look", operator))
        if not asks:
            await self._stays_in_the_air()
        answer = await handler(request)
        if asks and answer.status in (400, 409) and self._is_twice(reference):
            self.weather.faults["409: asked twice"] += 1
        return answer

    async def _stays_in_the_air(self) -> None:
        # A look-up that is on its way for a moment lets callbacks and other processes race it.
        await asyncio.sleep(0.05)

    def _is_twice(self, reference: str) -> bool:
        known = self.messages.facts
        return reference in known.get("transfer", {}) or reference in known.get("airtel", {})

    async def _reference(self, request: web.Request) -> str:
        """Ours of the payment that this is about; Airtel's refund names only
        what it gives back."""
        if "X-Reference-Id" in request.headers:
            return request.headers["X-Reference-Id"]
        if request.method == "GET":
            return request.path.rsplit("/", 1)[-1] if len(request.path) > 40 else ""
        asked = as_object(read_object(await request.read()).get("transaction"))
        if "airtel_money_id" in asked:
            collected = self.airtel._transfers.by_airtel_id(asked["airtel_money_id"])
            return collected["id"] if collected else ""
        return str(asked.get("id", ""))
