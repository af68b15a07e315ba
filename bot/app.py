"""The application: the parts of a running server behind every door."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

from aiohttp import web
from sqlalchemy import text

from bot import demo
from bot.callbacks import Callbacks
from bot.dashboard.guard import Guard
from bot.dashboard.routes import CallLine, Dashboard
from bot.dashboard.screens.call_page import PhoneSize
from bot.dashboard.screens.house import HouseRules
from bot.dashboard.screens.simulator import Pretended
from bot.demo_waiting import waiting_payments
from bot.faults import say_faults
from bot.hub_doors import buyer_of, mount_hub
from bot.knock import Answer
from bot.operations.health import Health
from bot.operations.spool_figures import SpoolFigures
from bot.parts import Parts
from bot.safe_headers import on_every_answer
from bot.self_checks import self_checks
from bot.settings import Settings
from bot.settings_shown import settings_shown
from bot.simulator.routes import CastMember, Simulator
from bot.ussd.feature_phone import FeaturePhone
from bot.ussd.gsm7 import septets
from bot.ussd.hosts import is_for_us, only_for_us
from bot.ussd.routes import GATEWAYS, UssdDoor
from bot.wiring import (
    dashboard_rules_of,
    door_rules_of,
    gateways_of,
    hosts_of,
    passwords_of,
    proxies_of,
    spool_of,
)

# What the quick lane answers, once the application's server is there.
QUICK_LANE: web.AppKey[Mapping[tuple[str, str], Answer]] = web.AppKey("quick_lane", Mapping)

# The dashboard's own part, whose routes each name who may use them.
DASHBOARD: web.AppKey[web.Application] = web.AppKey("dashboard", web.Application)
GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)


def build_app(parts: Parts) -> web.Application:
    """The aiohttp application with every door."""
    settings = parts.settings
    app = web.Application(
        client_max_size=settings.ussd.body_limit_bytes,
        middlewares=[say_faults, only_for_us(hosts_of(settings))],
    )
    secure = dashboard_rules_of(settings).secure
    app.on_response_prepare.append(on_every_answer(secure=secure))
    layout = FeaturePhone(settings.ussd.page_septets)
    quick: dict[tuple[str, str], Answer] = {}
    for name, gateway in gateways_of(settings).items():
        rules = door_rules_of(settings, name)
        door = UssdDoor(
            gateway,
            parts.engine,
            layout,
            rules,
            settings.hub.country,
            parts.watching.door_refused,
            parts.watching.wrong_secrets.add,
        )
        door.mount(app)
        quick |= door.answers()
    app[QUICK_LANE] = quick
    _mount_callbacks(parts, app)
    _mount_telegram(parts, app, quick)
    mount_hub(parts, app)
    dashboard = Dashboard(
        parts.market,
        replace(dashboard_rules_of(settings), house=_house(settings)),
        passwords_of(settings),
        parts.watching.dashboard_refused,
        CallLine(
            parts.engine,
            parts.transcripts.watched,
            PhoneSize(septets, settings.ussd.page_septets),
        ),
        _pretended(parts),
    )
    app[DASHBOARD], app[GUARD] = dashboard.mount(app), dashboard.guard
    checks = {"records": lambda: _records_work(parts), "work": lambda: _all_at_work(parts)}
    token = settings.metrics.token.get_secret_value()
    Health(parts.figures, checks, token).mount(app)
    if settings.env == "demo" and parts.sandbox_url:
        _simulator(parts).mount(app)
        if parts.hub is not None:
            buyer_of(parts).mount(app)
    return app


def _house(settings: Settings) -> HouseRules:
    async def checked() -> list[tuple[str, str, str]]:
        return [line async for line in self_checks(settings)]

    shown = settings_shown(settings, os.environ)
    return HouseRules(settings.alerts.telegram_chat, shown, checked)


def _pretended(parts: Parts) -> Pretended | None:
    there = parts.settings.env == "demo" and bool(parts.sandbox_url)
    return Pretended(parts.sandbox_url, parts.http) if there else None


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
        parts.updates,
        secret,
        slow_s,
        parts.watching.door_refused,
        parts.watching.wrong_secrets.add,
        lambda request: is_for_us(request, hosts),
        proxies_of(settings),
    )
    webhook.mount(app)
    quick["POST", PATH] = webhook.receive


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
    # The web phone speaks Africa's Talking's wire.
    gateway = GATEWAYS["africastalking"]
    return Simulator(
        gateway_path=f"/ussd/{gateway.path}",
        events_path=f"/ussd/{gateway.events}",
        service_code=settings.hub.service_code,
        sandbox_url=parts.sandbox_url,
        cast=cast,
        http=parts.http,
        waiting=lambda: waiting_payments(parts.market),
    )


async def _records_work(parts: Parts) -> str:
    await parts.market.records.read(lambda db: db.execute(text("SELECT 1")).scalar())
    return ""


async def _all_at_work(parts: Parts) -> str:
    """The names of background tasks that have ended, which none does by itself."""
    return ", ".join(name for name, task in parts.work.items() if task.done())
