"""The parts of a running server: opened bottom first, closed last first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from bot import demo
from bot.demo_hub import DemoHub
from bot.engine import Engine
from bot.flows import FLOWS
from bot.hub.hooks import Hooks
from bot.hub.pulling import Pulling
from bot.hub.working import Working
from bot.i18n import load_catalogues
from bot.look_ups import LookUps
from bot.market import Market
from bot.market.hub_news import KIND
from bot.operations.alert_watch import AlertWatch
from bot.operations.backlog import Backlog
from bot.operations.housekeeping import Housekeeping
from bot.operations.machine_figures import MachineFigures
from bot.operations.minute_figures import MinuteFigures
from bot.operations.pin_figures import PinFigures
from bot.operations.process_figures import show_process
from bot.operations.session_news import SessionNews
from bot.operations.watching import Watching
from bot.operations.worker_figures import WorkerFigures
from bot.orphan_callbacks import OrphanCallbacks
from bot.outside import operators_of, pulls_of, sandbox_of, url_beside
from bot.payments.collecting import CollectionProvider
from bot.payments.provider import PaymentProvider
from bot.safe_start import refuse_weak_stores
from bot.sandbox.server import Sandbox
from bot.sender import Sender, SenderRules
from bot.settings import Settings
from bot.sms.africastalking import AfricasTalkingSms
from bot.storage import backups
from bot.storage.call_days import CallDays
from bot.storage.only_server import OnlyServer
from bot.storage.opening import OneProcess, open_records, upgrade
from bot.storage.records import Records
from bot.storage.sessions import Sessions
from bot.storage.transcripts import Transcripts
from bot.wallet_watch import WalletWatch
from bot.wiring import (
    alert_manner_of,
    alert_rules_of,
    allocation_rules_of,
    gateways_of,
    limits_of,
    machine_rules_of,
    market_of,
    marks_of,
    outage_rules_of,
    sessions_of,
    sms_of,
    spool_of,
    telegram_of,
)

if TYPE_CHECKING:
    from bot.telegram.chats import Chats
    from bot.telegram.updates import Updates

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Parts:
    """The parts of a running server, for doors and tests."""

    settings: Settings
    market: Market
    engine: Engine
    sender: Sender
    look_ups: LookUps
    wallet_watch: WalletWatch
    providers: dict[str, PaymentProvider]
    collectors: dict[str, CollectionProvider]
    watching: Watching
    registry: CollectorRegistry
    # What `/metrics` shows: the registry, or that of all workers together.
    figures: Collector
    transcripts: Transcripts
    call_days: CallDays
    http: aiohttp.ClientSession
    sandbox: Sandbox | None
    # Where the sandbox answers: in this process, beside several workers, or "" where there is none.
    sandbox_url: str
    # What speaks to chats; None where Telegram is off.
    chats: Chats | None = None
    # What comes from chats; None where Telegram is off.
    updates: Updates | None = None
    # What applies the hub's events and offers its orders; None where there is no marketplace.
    hub: Working | None = None
    # What tells the hub of calls; None where there is no marketplace.
    calls: SessionNews | None = None
    # What tells the hub; None where there is no marketplace.
    hooks: Hooks | None = None
    # What asks shops for their orders; None where there is none to ask.
    pulling: Pulling | None = None
    # What runs beside the doors, by name.
    work: dict[str, asyncio.Task[None]] = field(default_factory=dict)


@asynccontextmanager
async def open_parts(settings: Settings, figures_dir: Path | None = None) -> AsyncIterator[Parts]:
    """Open everything, bottom first; on the way out stop in reverse, losing nothing.

    `figures_dir` is where several workers lay their figures together.
    """
    # Before anything is opened: what names no gateway of ours stops the start.
    gateways_of(settings)
    async with AsyncExitStack() as stack:
        load_catalogues()
        records = await _records_of(settings, stack)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        sandbox = await _sandbox_of(settings, stack)
        sandbox_url = sandbox.url if sandbox else url_beside(settings)
        market = await _open_market(settings, records, stack)
        registry = CollectorRegistry()
        figures = _figures_of(figures_dir, registry, stack)
        registry.register(PinFigures(market.pins.alarm))
        transcripts = Transcripts(records)
        call_days = CallDays(records)
        calls = _session_news_of(settings, records)
        watching = Watching(registry, transcripts, call_days, calls.add if calls else None)
        sessions = await _open_sessions(settings, records, stack)
        engine = Engine(FLOWS, market, sessions, marks_of(settings), limits_of(settings), watching)
        stack.push_async_callback(engine.close)
        show_process(registry, lambda: engine.hops_in_flight)
        providers, collectors = operators_of(settings, http, sandbox_url)
        sms = AfricasTalkingSms(sms_of(settings, sandbox_url), http)
        box = settings.outbox
        rules = SenderRules(box.poll_s, box.lease_s, box.batch, box.max_attempts)
        outage = outage_rules_of(settings)
        sender = Sender(records, sms, providers, rules, market.payouts, collectors, outage)
        chats = _chats_of(settings, records, sandbox_url, registry, sender.wake)
        if chats is not None:
            stack.push_async_callback(chats.close)
            sender.leave_to("telegram", chats.sender.wake)
        look_ups = LookUps(
            records,
            providers,
            sender.wake,
            collectors=collectors,
            outage=outage,
            payouts=market.payouts,
        )
        watch = WalletWatch(
            records,
            providers,
            collectors,
            sender.wake,
            outage,
            registry=registry,
            payouts=market.payouts,
        )
        parts = Parts(
            settings,
            market,
            engine,
            sender,
            look_ups,
            watch,
            providers,
            collectors,
            watching,
            registry,
            figures,
            transcripts,
            call_days,
            http,
            sandbox,
            sandbox_url,
            chats,
        )
        parts.updates, parts.calls = _updates_of(parts, sessions), calls
        _open_marketplace(parts)
        await _start_work(parts, stack)
        yield parts


async def _records_of(settings: Settings, stack: AsyncExitStack) -> Records:
    if not settings.database_url:
        lock = OneProcess(settings.data_dir)
        lock.take()
        stack.callback(lock.give_back)
    elif not settings.redis_url:
        only = OnlyServer(settings.database_url)
        await only.take()
        stack.push_async_callback(only.give_back)
    spool_of(settings).open()
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    stack.push_async_callback(records.close)
    if settings.env == "production" and settings.alerts.backup_hours:
        now = datetime.now(UTC)
        await records.write(lambda db: backups.expect(db, now))
    return records


async def _open_market(settings: Settings, records: Records, stack: AsyncExitStack) -> Market:
    market = market_of(settings, records)
    stack.push_async_callback(market.pins.close)
    if settings.env == "demo" and settings.workers == 1:
        await demo.load_demo(market, datetime.now(UTC))
    await market.prices.load()
    return market


async def _open_sessions(settings: Settings, records: Records, stack: AsyncExitStack) -> Sessions:
    sessions = sessions_of(settings)
    stack.push_async_callback(sessions.close)
    await refuse_weak_stores(settings, records, sessions)
    return sessions


def _session_news_of(settings: Settings, records: Records) -> SessionNews | None:
    secret = settings.secret_key.get_secret_value()
    return SessionNews(records, secret) if settings.marketplace.enabled else None


def _open_marketplace(parts: Parts) -> None:
    settings, market = parts.settings, parts.market
    if not settings.marketplace.enabled:
        return
    private = settings.marketplace.private_receivers
    parts.hooks = Hooks(market.records, private=private)
    parts.sender.leave_to(KIND, parts.hooks.wake)
    parts.hub = Working(market, allocation_rules_of(settings), parts.sender.wake)
    if pulls := pulls_of(settings, parts.http):
        every_s = settings.marketplace.pull_every_s
        parts.pulling = Pulling(market.records, pulls, every_s, parts.hub.wake)


def _chats_of(
    settings: Settings,
    records: Records,
    sandbox_url: str,
    registry: CollectorRegistry,
    by_sms_instead: Callable[[], None],
) -> Chats | None:
    if not settings.telegram.enabled:
        return None
    # The library takes a second to load: only where it is used.
    from bot.telegram.chats import Chats

    return Chats(telegram_of(settings, sandbox_url), records, by_sms_instead, registry)


def _updates_of(parts: Parts, sessions: Sessions) -> Updates | None:
    """What Telegram delivers; on SQLite no other process can hold any of it."""
    settings = parts.settings
    if not settings.telegram.enabled:
        return None
    from bot.telegram.door import linking_of, open_updates
    from bot.telegram.files import Files

    return open_updates(
        parts.market.records,
        sessions,
        parts.engine,
        FLOWS,
        parts.watching,
        parts.registry,
        settings.secret_key.get_secret_value(),
        parts.sender.wake,
        linking=linking_of(parts.market),
        files=Files(parts.http, telegram_of(settings, parts.sandbox_url)),
        alone=not settings.database_url,
    )


def _figures_of(
    folder: Path | None, registry: CollectorRegistry, stack: AsyncExitStack
) -> Collector:
    if folder is None:
        return registry
    figures = WorkerFigures(folder, registry)
    # Once more when all else has ended, so that the last hops count too.
    stack.callback(figures.keep)
    return figures


async def _sandbox_of(settings: Settings, stack: AsyncExitStack) -> Sandbox | None:
    if not settings.sandbox.enabled or settings.workers > 1:
        return None
    sandbox = await sandbox_of(settings)
    stack.push_async_callback(sandbox.stop)
    return sandbox


async def _start_work(parts: Parts, stack: AsyncExitStack) -> None:
    records = parts.market.records
    keep_for = timedelta(days=parts.settings.transcripts.keep_days)
    keep_letters = timedelta(days=parts.settings.outbox.keep_days)
    backlog = Backlog(records, parts.registry)
    watching = parts.watching
    figures = MinuteFigures(
        records,
        watching.figures,
        watching.faults,
        lambda: backlog.found,
        wrong_secrets=watching.wrong_secrets,
    )
    work: dict[str, Coroutine[Any, Any, None]] = {
        "transcripts": parts.transcripts.run(),
        "call days": parts.call_days.run(),
        "sender": parts.sender.run(),
        "look-ups": parts.look_ups.run(),
        "orphans": OrphanCallbacks(records, parts.providers, parts.look_ups.wake).run(),
        "wallet watch": parts.wallet_watch.run(),
        "housekeeping": Housekeeping(
            parts.market, parts.sender.wake, keep_for, keep_letters=keep_letters
        ).run(),
        "backlog": backlog.run(),
        "machine": MachineFigures(machine_rules_of(parts.settings), parts.registry).run(),
        "minutes": figures.run(),
    }
    if parts.settings.alerts.enabled:
        rules, manner = alert_rules_of(parts.settings), alert_manner_of(parts.settings)
        gateways = tuple(parts.settings.ussd.gateways)
        work["alerts"] = AlertWatch(records, gateways, rules, manner, parts.sender.wake).run()
    if parts.chats is not None:
        work["telegram"] = parts.chats.sender.run()
        work["telegram introduction"] = parts.chats.introduction.run()
    if parts.updates is not None:
        work["telegram updates"] = parts.updates.run()
    if parts.settings.telegram.mode == "polling" and parts.chats and parts.updates:
        from bot.telegram.polling import Polling

        keep, config = parts.updates.keep, parts.chats.config
        work["telegram polling"] = Polling(records, parts.http, config, keep).run()
    if parts.hub is not None:
        work["hub"] = parts.hub.run()
    if parts.pulling is not None:
        work["shops"] = parts.pulling.run()
    if parts.calls is not None:
        work["session news"] = parts.calls.run()
    if parts.hooks is not None:
        work["webhooks"] = parts.hooks.run()
    if isinstance(parts.figures, WorkerFigures):
        work["figures"] = parts.figures.run()
    if parts.settings.env == "demo":
        work["demo hub"] = DemoHub(parts.market, parts.sender.wake, demo.ON_ITS_WAY).run()
    for name, one in work.items():
        parts.work[name] = asyncio.create_task(one, name=name)

    async def stop() -> None:
        for task in parts.work.values():
            task.cancel()
        # What broke one of them must not keep the others, and the stores, from being closed.
        ends = await asyncio.gather(*parts.work.values(), return_exceptions=True)
        for name, end in zip(parts.work, ends, strict=True):
            if isinstance(end, Exception):
                log.error("background work had died", work=name, exc_info=end)

    stack.push_async_callback(stop)
