"""One life of the server: every part of it, wired as in `bot.parts`, on records that may kill it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.app import QUICK_LANE, build_app
from bot.engine import Engine
from bot.flows import FLOWS
from bot.look_ups import LookUps
from bot.market.limits import USUAL
from bot.operations.housekeeping import Housekeeping
from bot.operations.watching import Watching
from bot.outside import operators_of
from bot.parts import Parts
from bot.quick_lane import QuickRunner
from bot.sandbox.nuisances import cut_off
from bot.sender import Sender, SenderRules
from bot.settings import Settings, load_settings
from bot.sms.africastalking import AfricasTalkingSms
from bot.storage.call_days import CallDays
from bot.storage.transcripts import Transcripts
from bot.wallet_watch import WalletWatch
from bot.wiring import limits_of, market_of, marks_of, outage_rules_of, sms_of
from tests.mortal import Fate, Killed, MortalRecords
from tests.server import CHEAP

# News wakes them at once; only what is due by the clock is looked for.
_POLL_S, _KEEP_S = 15.0, 120.0
# Held payments leave by the clock, a batch at a time.
_SEND_S, _WATCH_S = 10.0, 15.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def storm_settings(folder: Path) -> Settings:
    """The demo's settings, with the outside on a socket file."""
    return load_settings({
        **CHEAP,
        "ISOKO_DATA_DIR": str(folder),
        "ISOKO_PUBLIC_URL": "http://isoko",
        "ISOKO_MOMO__BASE_URL": "http://outside",
        "ISOKO_AIRTEL__BASE_URL": "http://outside",
        "ISOKO_SMS__BASE_URL": "http://outside",
        "ISOKO_SANDBOX__ENABLED": "false",
        # A third of all answers is spoiled, but only the hour's outage is one.
        "ISOKO_OUTAGE__FAILURES": "12",
        # As many in a minute as usual, in fewer rounds.
        "ISOKO_OUTAGE__RELEASE_BATCH": "100",
        "ISOKO_OUTAGE__RELEASE_S": "10",
        "ISOKO_USSD__DIALS_PER_MINUTE": "100000",
    })  # fmt: skip


class Process:
    """Server, sender, poller, watch and housekeeping; `died` is set when the fate has struck."""

    def __init__(
        self, folder: Path, records: Any, sessions: Any, fate: tuple[int, bool], seen: Handler
    ) -> None:
        self.died = asyncio.Event()
        self.fate = Fate(*fate, self.died.set)
        self.records = MortalRecords(records, self.fate)
        self._folder, self._sessions, self._seen = folder, sessions, seen
        self._work: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the doors and begin to work. Raises `Killed` when it dies while starting."""
        settings = storm_settings(self._folder)
        connector = aiohttp.UnixConnector(str(self._folder / "outside.sock"))
        self._http = aiohttp.ClientSession(connector=connector)
        self._runner: web.AppRunner | None = None
        self.parts = self._parts(settings)
        await self.parts.market.prices.load()
        app = build_app(self.parts)
        app.middlewares.append(self._as_seen_from_outside)
        self._runner = QuickRunner(app, app[QUICK_LANE], access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._folder / "isoko.sock")).start()
        keep = Housekeeping(self.parts.market, self.parts.sender.wake, timedelta(days=30), _KEEP_S)
        parts = self.parts
        for one in (
            parts.transcripts,
            parts.call_days,
            parts.sender,
            parts.look_ups,
            parts.wallet_watch,
            keep,
        ):
            self._work.append(asyncio.create_task(one.run()))

    async def end(self) -> None:
        """Nothing of it runs any more; what it had not committed is lost."""
        self.fate.is_dead = True
        for task in self._work:
            task.cancel()
        for task in self._work:
            with suppress(BaseException):
                await task
        if self._runner is not None:
            await self._runner.cleanup()
        await self._http.close()
        await self.parts.market.pins.close()

    def _parts(self, settings: Settings) -> Parts:
        records: Any = self.records
        market, registry = market_of(settings, records), CollectorRegistry()
        transcripts = Transcripts(records)
        call_days = CallDays(records)
        watching = Watching(registry, transcripts, call_days)
        engine = Engine(
            FLOWS, market, self._sessions, marks_of(settings), limits_of(settings), watching
        )
        pays, collects = operators_of(settings, self._http, "")
        sms, outage = AfricasTalkingSms(sms_of(settings), self._http), outage_rules_of(settings)
        rules = SenderRules(poll_s=_SEND_S)
        sender = Sender(records, sms, pays, rules, market.payouts, collects, outage)
        look_ups = LookUps(records, pays, sender.wake, _POLL_S, collects, outage, payouts=USUAL)
        watch = WalletWatch(records, pays, collects, sender.wake, outage, _WATCH_S, registry)
        return Parts(
            settings, market, engine, sender, look_ups, watch, pays, collects, watching, registry,
            registry, transcripts, call_days, self._http, None, "",
        )  # fmt: skip

    @web.middleware
    async def _as_seen_from_outside(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """The answer as it leaves."""
        answer = await _cut_by_death(handler)(request)
        request["answer"] = answer
        await self._seen(request)
        return answer


def _cut_by_death(handler: Handler) -> Handler:
    """Of who dies while answering nothing comes but the end of the connection."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Killed:
            return cut_off(request)

    return answer
