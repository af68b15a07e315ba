"""The wiring: settings in, a running server out; what is opened first is closed last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector
from sqlalchemy import text

from bot import demo
from bot.callbacks import Callbacks
from bot.dashboard.guard import Guard
from bot.dashboard.routes import Dashboard
from bot.demo_hub import DemoHub
from bot.engine import Engine
from bot.flows import FLOWS
from bot.hub.door import HubDoor
from bot.hub.hooks import Hooks
from bot.hub.keeping import Keeping
from bot.hub.shops import ShopDoors
from bot.hub.working import Working
from bot.i18n import load_catalogues
from bot.look_ups import LookUps
from bot.market import Market, subscriptions
from bot.market.hub_news import KIND
from bot.operations.backlog import Backlog
from bot.operations.health import Health
from bot.operations.housekeeping import Housekeeping
from bot.operations.pin_figures import PinFigures
from bot.operations.process_figures import show_process
from bot.operations.session_news import SessionNews
from bot.operations.spool_figures import SpoolFigures
from bot.operations.watching import Watching
from bot.operations.worker_figures import WorkerFigures
from bot.payments.airtel_collection import AirtelCollection
from bot.payments.airtel_money import AirtelMoney
from bot.payments.collecting import CollectionProvider
from bot.payments.momo_collection import MomoCollection
from bot.payments.momo_line import MomoLine
from bot.payments.mtn_momo import MtnMomo
from bot.payments.provider import PaymentProvider
from bot.safe_start import refuse_weak_stores
from bot.sandbox.server import Sandbox, start_sandbox
from bot.sender import Sender, SenderRules
from bot.settings import Settings, SettingsError
from bot.simulator.buyer import Buyer
from bot.simulator.routes import CastMember, Simulator
from bot.sms.africastalking import AfricasTalkingSms
from bot.storage.call_days import CallDays
from bot.storage.opening import OneProcess, open_records, upgrade
from bot.storage.records import Records
from bot.storage.sessions import Sessions
from bot.storage.transcripts import Transcripts
from bot.ussd.fast_lane import Answer
from bot.ussd.feature_phone import FeaturePhone
from bot.ussd.hosts import is_for_us, only_for_us
from bot.ussd.routes import GATEWAYS, UssdDoor
from bot.wallet_watch import WalletWatch
from bot.wiring import (
    airtel_of,
    allocation_rules_of,
    dashboard_rules_of,
    door_rules_of,
    hosts_of,
    hub_secrets_of,
    limits_of,
    market_of,
    marks_of,
    momo_collection_of,
    momo_of,
    outage_rules_of,
    passwords_of,
    sessions_of,
    shops_of,
    sms_of,
    spool_of,
    telegram_of,
)

if TYPE_CHECKING:
    from bot.telegram.chats import Chats
    from bot.telegram.updates import Updates

log = structlog.get_logger(__name__)

# What the fast lane is given once the application's server is there.
FAST_LANE: web.AppKey[Mapping[tuple[str, str], Answer]] = web.AppKey("fast_lane", Mapping)

# The dashboard's own part, whose routes each name who may use them.
DASHBOARD: web.AppKey[web.Application] = web.AppKey("dashboard", web.Application)
GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)


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
    # What runs beside the doors, by name.
    work: dict[str, asyncio.Task[None]] = field(default_factory=dict)


@asynccontextmanager
async def open_parts(settings: Settings, figures_dir: Path | None = None) -> AsyncIterator[Parts]:
    """Open everything, bottom first; on the way out stop in reverse, losing nothing.

    `figures_dir` is where several workers lay their figures together.
    """
    async with AsyncExitStack() as stack:
        load_catalogues()
        if not settings.database_url:
            lock = OneProcess(settings.data_dir)
            lock.take()
            stack.callback(lock.give_back)
        spool_of(settings).open()
        await upgrade(settings.database_url, settings.data_dir)
        records = await open_records(settings.database_url, settings.data_dir)
        stack.push_async_callback(records.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        sandbox = await _sandbox_of(settings, stack)
        sandbox_url = sandbox.url if sandbox else url_beside(settings)
        market = market_of(settings, records)
        stack.push_async_callback(market.pins.close)
        if settings.env == "demo" and settings.workers == 1:
            await demo.load_demo(market, datetime.now(UTC))
        await market.prices.load()
        registry = CollectorRegistry()
        figures = _figures_of(figures_dir, registry, stack)
        registry.register(PinFigures(market.pins.alarm))
        transcripts = Transcripts(records)
        call_days = CallDays(records)
        calls = _session_news_of(settings, records)
        watching = Watching(registry, transcripts, call_days, calls.add if calls else None)
        sessions = sessions_of(settings)
        stack.push_async_callback(sessions.close)
        await refuse_weak_stores(settings, records, sessions)
        engine = Engine(FLOWS, market, sessions, marks_of(settings), limits_of(settings), watching)
        stack.push_async_callback(engine.close)
        show_process(registry, lambda: engine.hops_in_flight)
        providers, collectors = _operators_of(settings, http, sandbox_url)
        sms = AfricasTalkingSms(sms_of(settings, sandbox_url), http)
        box = settings.outbox
        rules = SenderRules(box.poll_s, box.lease_s, box.batch, box.max_attempts)
        outage = outage_rules_of(settings)
        sender = Sender(records, sms, providers, rules, market.payouts, collectors, outage)
        chats = _chats_of(settings, records, sandbox_url, registry, sender.wake)
        if chats is not None:
            stack.push_async_callback(chats.close)
            sender.leave_to("telegram", chats.sender.wake)
        look_ups = LookUps(records, providers, sender.wake, collectors=collectors, outage=outage)
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


def _open_marketplace(parts: Parts) -> None:
    settings, market = parts.settings, parts.market
    if not settings.marketplace.enabled:
        return
    private = settings.marketplace.private_receivers
    parts.hooks = Hooks(market.records, private=private)
    parts.sender.leave_to(KIND, parts.hooks.wake)
    parts.hub = Working(market, allocation_rules_of(settings), parts.sender.wake)


def _session_news_of(settings: Settings, records: Records) -> SessionNews | None:
    secret = settings.secret_key.get_secret_value()
    return SessionNews(records, secret) if settings.marketplace.enabled else None


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


async def sandbox_of(settings: Settings) -> Sandbox:
    """The pretended operators and SMS gateway, started where the settings say."""
    state = settings.data_dir / "sandbox.jsonl"
    state.parent.mkdir(parents=True, exist_ok=True)
    host, port = settings.sandbox.host, settings.sandbox.port
    try:
        sandbox = await start_sandbox(host, port, state)
    except OSError as error:
        raise SettingsError(
            f"the sandbox cannot listen on {host}:{port}: {error.strerror}. Stop the other "
            "program, or set ISOKO_SANDBOX__PORT"
        ) from error
    # What a merchant sets once in Airtel's portal.
    sandbox.airtel.callback_url = f"{settings.url}/payments/{AirtelMoney.name}/callback/demo"
    return sandbox


def url_beside(settings: Settings) -> str:
    """Where a sandbox of its own process answers (`isoko sandbox serve`), "" without one."""
    sandbox = settings.sandbox
    return f"http://{sandbox.host}:{sandbox.port}" if sandbox.enabled else ""


def _operators_of(
    settings: Settings, http: aiohttp.ClientSession, url: str
) -> tuple[dict[str, PaymentProvider], dict[str, CollectionProvider]]:
    """Who pays out, and who collects; `url` is the sandbox's where one runs."""
    # One provider a file; a new one is a file and a line here.
    momo = MtnMomo(momo_of(settings, url), http)
    pays: dict[str, PaymentProvider] = {MtnMomo.name: momo}
    collects: dict[str, CollectionProvider] = {}
    if settings.collections.enabled:
        line = MomoLine("collection", momo_collection_of(settings, url), http)
        collects[MomoCollection.name] = MomoCollection(line, momo.line)
    if settings.airtel.client_id:
        config = airtel_of(settings, url)
        pays[AirtelMoney.name] = AirtelMoney(config, http)
        if settings.collections.enabled:
            collects[AirtelCollection.name] = AirtelCollection(config, http)
    return pays, collects


async def _start_work(parts: Parts, stack: AsyncExitStack) -> None:
    keep_for = timedelta(days=parts.settings.transcripts.keep_days)
    work: dict[str, Coroutine[Any, Any, None]] = {
        "transcripts": parts.transcripts.run(),
        "call days": parts.call_days.run(),
        "sender": parts.sender.run(),
        "look-ups": parts.look_ups.run(),
        "wallet watch": parts.wallet_watch.run(),
        "housekeeping": Housekeeping(parts.market, parts.sender.wake, keep_for).run(),
        "backlog": Backlog(parts.market.records, parts.registry).run(),
    }
    if parts.chats is not None:
        work["telegram"] = parts.chats.sender.run()
        work["telegram introduction"] = parts.chats.introduction.run()
    if parts.updates is not None:
        work["telegram updates"] = parts.updates.run()
    if parts.settings.telegram.mode == "polling" and parts.chats and parts.updates:
        from bot.telegram.polling import Polling

        keep, config = parts.updates.keep, parts.chats.config
        work["telegram polling"] = Polling(parts.market.records, parts.http, config, keep).run()
    if parts.hub is not None:
        work["hub"] = parts.hub.run()
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


def build_app(parts: Parts) -> web.Application:
    """The aiohttp application with every door."""
    settings = parts.settings
    app = web.Application(
        client_max_size=settings.ussd.body_limit_bytes,
        middlewares=[only_for_us(hosts_of(settings))],
    )
    layout = FeaturePhone(settings.ussd.page_septets)
    quick: dict[tuple[str, str], Answer] = {}
    for name in settings.ussd.gateways:
        rules = door_rules_of(settings, name)
        door = UssdDoor(
            GATEWAYS[name],
            parts.engine,
            layout,
            rules,
            settings.hub.country,
            parts.watching.door_refused,
        )
        door.mount(app)
        quick |= door.answers()
    app[FAST_LANE] = quick
    _mount_callbacks(parts, app)
    _mount_telegram(parts, app, quick)
    _mount_hub(parts, app)
    dashboard = Dashboard(
        parts.market,
        dashboard_rules_of(settings),
        passwords_of(settings),
        parts.watching.dashboard_refused,
    )
    app[DASHBOARD], app[GUARD] = dashboard.mount(app), dashboard.guard
    checks = {"records": lambda: _records_work(parts), "work": lambda: _all_at_work(parts)}
    token = settings.metrics.token.get_secret_value()
    Health(parts.figures, checks, token).mount(app)
    if settings.env == "demo" and parts.sandbox_url:
        _simulator(parts).mount(app)
        if parts.hub is not None:
            _buyer(parts).mount(app)
    return app


def _mount_telegram(
    parts: Parts, app: web.Application, quick: dict[tuple[str, str], Answer]
) -> None:
    if parts.updates is None:
        return
    from bot.telegram.webhook import PATH, Webhook

    settings = parts.settings
    secret, slow_s = (
        settings.telegram.webhook_secret.get_secret_value(),
        settings.ussd.body_timeout_s,
    )
    hosts = hosts_of(settings)
    webhook = Webhook(
        parts.updates, secret, slow_s, parts.watching.door_refused, lambda r: is_for_us(r, hosts)
    )
    webhook.mount(app)
    quick["POST", PATH] = webhook.receive


def _mount_hub(parts: Parts, app: web.Application) -> None:
    if parts.hub is None:
        return
    settings, records = parts.settings, parts.market.records
    secrets, refused = hub_secrets_of(settings), parts.watching.door_refused
    keeping, wake = Keeping(records), parts.hub.wake
    HubDoor(records, keeping, secrets, wake, refused, settings.url).mount(app)
    ShopDoors(keeping, shops_of(settings), wake, refused).mount(app)


def _mount_callbacks(parts: Parts, app: web.Application) -> None:
    """Operators' callbacks, and what brings those that were spooled into the records."""
    spool = spool_of(parts.settings)
    parts.registry.register(SpoolFigures(spool))
    callbacks = Callbacks(parts.market.records, parts.providers, parts.look_ups.wake, spool)
    callbacks.mount(app)

    async def drain(_app: web.Application) -> AsyncIterator[None]:
        task = parts.work["spool"] = asyncio.create_task(callbacks.draining(), name="spool")
        yield
        task.cancel()
        await asyncio.wait([task])

    app.cleanup_ctx.append(drain)


def _simulator(parts: Parts) -> Simulator:
    settings = parts.settings
    cast = [CastMember(m.msisdn, m.label, m.network) for m in demo.CAST]
    cast.append(CastMember(demo.UNKNOWN, "Unknown caller", "63510"))
    gateway = GATEWAYS[settings.ussd.gateways[0]]
    return Simulator(
        gateway_path=f"/ussd/{gateway.path}",
        events_path=f"/ussd/{gateway.events}",
        service_code=settings.hub.service_code,
        sandbox_url=parts.sandbox_url,
        cast=cast,
        http=parts.http,
    )


def _buyer(parts: Parts) -> Buyer:
    """The demo's own hub; it subscribes when somebody first opens its page."""
    records, secret = parts.market.records, hub_secrets_of(parts.settings)[0]

    async def subscribe(url: str) -> str:
        now = datetime.now(UTC)
        return await records.write(lambda db: subscriptions.once(db, url, now))

    return Buyer(parts.http, secret, subscribe)


async def _records_work(parts: Parts) -> str:
    await parts.market.records.read(lambda db: db.execute(text("SELECT 1")).scalar())
    return ""


async def _all_at_work(parts: Parts) -> str:
    """The names of background tasks that have ended, which none does by itself."""
    return ", ".join(name for name, task in parts.work.items() if task.done())
