"""From settings to parts: what the server and the commands are made of."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from bot.dashboard.routes import DashboardRules
from bot.engine import Limits
from bot.history import Marks
from bot.hub.shops import Account
from bot.market import Hub, Market
from bot.market.allocation import AllocationRules
from bot.market.link_codes import LinkCodes
from bot.market.news import QuietHours
from bot.market.outages import OutageRules
from bot.market.pin_alarm import AlarmRules, PinAlarm
from bot.market.pin_hashing import PinHashing
from bot.market.pins import PinGuard
from bot.market.prices import PriceBoard
from bot.market.staff_alerts import Manner
from bot.money_rules import collection_rules_of, payout_rules_of
from bot.operations.alert_rules import AlertRules
from bot.operations.machine_finds import MachineRules
from bot.payments.airtel_line import AirtelConfig
from bot.payments.momo_line import MomoConfig
from bot.settings import Settings, SettingsError
from bot.sms.africastalking import SmsConfig
from bot.source import Proxies, networks
from bot.storage.records import Records
from bot.storage.sessions import Sessions
from bot.storage.sessions.lanes import lanes_to
from bot.storage.sessions.memory import MemorySessions
from bot.storage.sessions.redis import USUAL_INSIDE_S, RedisSessions
from bot.storage.spool import Spool
from bot.telegram.config import PRODUCTION, TelegramConfig
from bot.ussd.door import DoorRules
from bot.ussd.gateway import Gateway
from bot.ussd.routes import GATEWAYS

# A caller has two seconds, and can go on without this store.
_REDIS_ANSWER_S = 0.2
_INSIDE_MAX_S = 5.0


def hub_of(settings: Settings) -> Hub:
    """The hub that the settings name."""
    hub = settings.hub
    return Hub(
        hub.id,
        hub.name,
        hub.currency,
        hub.timezone,
        hub.help_msisdn,
        hub.service_code,
        hub.country,
    )


def pins_of(settings: Settings, records: Records) -> PinGuard:
    """The PIN guard, with the pepper and the cost from the settings."""
    pin = settings.pin
    hashing = PinHashing(
        pin.pepper.get_secret_value(),
        pin.memory_kib,
        pin.passes,
        pin.lanes,
        pin.hash_workers,
        pin.hash_queue,
    )
    return PinGuard(
        records,
        hashing,
        PinAlarm(AlarmRules(pin.alarm_failures, pin.alarm_minutes, pin.alarm_checks_per_minute)),
        tries_per_session=pin.tries_per_session,
        tries_per_day=pin.tries_per_day,
        lock_minutes=pin.lock_minutes,
        lifetime_tries=pin.lifetime_tries,
    )


def passwords_of(settings: Settings) -> PinHashing:
    """Hashes passwords of staff: a small pool of its own, since any stranger may fill it."""
    pin = settings.pin
    pepper = pin.pepper.get_secret_value()
    return PinHashing(pepper, pin.memory_kib, pin.passes, pin.lanes, workers=1, queue=7)


def market_of(settings: Settings, records: Records) -> Market:
    """The market on these records."""
    board = PriceBoard(records, settings.prices.stale_after_days, settings.hub.id)
    pins, rules = pins_of(settings, records), payout_rules_of(settings)
    collections, codes = collection_rules_of(settings), link_codes_of(settings)
    quiet = quiet_of(settings)
    return Market(hub_of(settings), records, board, pins, rules, collections, codes, quiet)


def quiet_of(settings: Settings) -> QuietHours:
    """When people are not told what can wait."""
    news = settings.news
    return QuietHours(news.quiet_from, news.quiet_until, settings.hub.timezone)


def link_codes_of(settings: Settings) -> LinkCodes:
    """The codes that link a chat with a phone."""
    return LinkCodes(settings.secret_key.get_secret_value())


def outage_rules_of(settings: Settings) -> OutageRules:
    """When an operator counts as out of order, and how it is taken up again."""
    outage = settings.outage
    return OutageRules(outage.failures, outage.probe_s, outage.release_batch, outage.release_s)


def allocation_rules_of(settings: Settings) -> AllocationRules:
    """How orders of the marketplace's hub are offered."""
    market = settings.marketplace
    most_rwf = payout_rules_of(settings).part_most_rwf
    offer_for = timedelta(hours=market.offer_hours)
    return AllocationRules(offer_for, market.smallest_part_packs, most_rwf)


def hub_secrets_of(settings: Settings) -> tuple[str, ...]:
    """What the marketplace's hub signs with, the newer first."""
    return tuple(secret.get_secret_value() for secret in settings.marketplace.secrets)


def shops_of(settings: Settings) -> dict[str, Account]:
    """Our accounts at shops that sign in their own way; a shop without a secret has no door."""
    market = settings.marketplace
    accounts = {
        "shopify": Account(market.shopify_secret.get_secret_value()),
        "woocommerce": Account(market.woocommerce_secret.get_secret_value()),
        "taobao": Account(market.taobao_secret.get_secret_value(), market.taobao_app_key),
    }
    return {name: account for name, account in accounts.items() if account.secret}


def sessions_of(settings: Settings) -> Sessions:
    """Live conversations: in this process, or in Redis when its URL is set."""
    ttl_s = settings.ussd.session_ttl_s
    if not settings.redis_url:
        return MemorySessions(ttl_s)
    # Longer than its budget no hop is inside; nor does one that was killed hold others up longer.
    inside_s = min(max(USUAL_INSIDE_S, settings.ussd.hop_budget_s + 0.5), _INSIDE_MAX_S)
    return RedisSessions(lanes_to(settings.redis_url, _REDIS_ANSWER_S), ttl_s, inside_s)


def alert_rules_of(settings: Settings) -> AlertRules:
    """By which staff are alerted."""
    alerts, pin = settings.alerts, settings.pin
    return AlertRules(
        alerts.silent_minutes,
        alerts.silent_from,
        alerts.silent_until,
        alerts.unknown_minutes,
        alerts.late_s,
        alerts.slow_ms,
        pin.alarm_failures,
        pin.alarm_minutes,
        settings.hub.timezone,
        alerts.sign_in_tries,
        alerts.refused_reveals,
        alerts.left_over,
        alerts.shop_failures,
        alerts.wrong_secrets,
        alerts.stranger_callbacks,
        machine_rules_of(settings),
    )


def machine_rules_of(settings: Settings) -> MachineRules:
    """What there is to look at on this machine, and from when on staff are alerted of it."""
    alerts, tls = settings.alerts, settings.tls
    named = (("tls.certificate", tls.certificate), ("tls.client_ca", tls.client_ca))
    # Without a certificate of our own TLS ends at a proxy, whatever else is set.
    files = tuple((name, file) for name, file in named if file and tls.certificate)
    return MachineRules(
        alerts.disk_percent,
        alerts.backup_hours,
        alerts.certificate_days,
        settings.data_dir,
        files,
    )


def alert_manner_of(settings: Settings) -> Manner:
    """How long something lasts before staff hear of it, and where."""
    alerts = settings.alerts
    hold, rest = timedelta(seconds=alerts.hold_s), timedelta(seconds=alerts.rest_s)
    return Manner(hold, rest, alerts.telegram_chat)


def spool_of(settings: Settings) -> Spool:
    """Where operators' callbacks wait while the records are out of reach."""
    return Spool(settings.data_dir / "spool")


def marks_of(settings: Settings) -> Marks:
    """The keyed digests of hops."""
    return Marks(settings.secret_key.get_secret_value())


def limits_of(settings: Settings) -> Limits:
    """The engine's limits."""
    ussd = settings.ussd
    return Limits(
        ussd.hop_budget_s,
        ussd.resume_s,
        ussd.dials_per_minute,
        ussd.max_hops_in_flight,
        ussd.call_s,
        ussd.silent_days,
        records_wait=bool(settings.database_url),
    )


def hosts_of(settings: Settings) -> frozenset[str]:
    """The names by which this server is called."""
    return frozenset(name.lower() for name in settings.allowed_hosts)


def proxies_of(settings: Settings) -> Proxies:
    """Our own proxies, whose word on the caller's address counts."""
    return Proxies(networks(list(settings.ussd.trusted_proxies)), settings.ussd.proxy_hops)


def gateways_of(settings: Settings) -> dict[str, Gateway]:
    """The gateways that the settings name, in their order.

    Raises `SettingsError` for one that nobody wrote, and for the secret of one not named.
    """
    names = settings.ussd.gateways
    wrong = [name for name in names if name not in GATEWAYS]
    if wrong or not names:
        said = f"names {wrong[0]!r}, which is no gateway" if wrong else "names no gateway"
        known = ", ".join(GATEWAYS)
        raise SettingsError(f"ISOKO_USSD__GATEWAYS {said}: there are {known}")
    for name in settings.ussd.secrets:
        if name not in names:
            raise SettingsError(
                f"ISOKO_USSD__SECRETS__{name.upper()} is for no gateway of ISOKO_USSD__GATEWAYS: "
                "correct its name, or leave it out"
            )
    return {name: GATEWAYS[name] for name in names}


def door_rules_of(settings: Settings, gateway: str) -> DoorRules:
    """Who may knock at this gateway's route."""
    ussd = settings.ussd
    secret, password = ussd.secrets.get(gateway), ussd.passwords.get(gateway)
    codes = {code.strip("*#") for code in (*ussd.service_codes, settings.hub.service_code)}
    return DoorRules(
        secret=secret.get_secret_value() if secret else "",
        allowed=networks(list(ussd.allowed_networks)),
        proxies=proxies_of(settings),
        body_timeout_s=ussd.body_timeout_s,
        body_max_bytes=ussd.body_limit_bytes,
        service_codes=frozenset(f"*{code.strip('*#')}#" for code in ussd.service_codes),
        codes=tuple(sorted(codes, key=len, reverse=True)),
        login=(ussd.users.get(gateway, ""), password.get_secret_value() if password else ""),
        hosts=hosts_of(settings),
        client_names=frozenset(settings.tls.client_names),
    )


def dashboard_rules_of(settings: Settings) -> DashboardRules:
    """How the dashboard is reached, and by whom."""
    return DashboardRules(
        key=settings.secret_key.get_secret_value(),
        secure=settings.env == "production" or settings.url.startswith("https:"),
        demo=settings.env == "demo",
        stale_after_days=settings.prices.stale_after_days,
        proxies=proxies_of(settings),
        address=settings.public_url.rstrip("/"),
        # Secrets stand in it as stars, so that it tells nothing of them.
        fingerprint=hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:12],
    )


def momo_of(settings: Settings, base_url: str = "") -> MomoConfig:
    """MTN's side of the settings; `base_url` is the sandbox's where one runs."""
    momo = settings.momo
    return MomoConfig(
        base_url=base_url or momo.base_url,
        subscription_key=momo.subscription_key.get_secret_value(),
        api_user=momo.api_user,
        api_key=momo.api_key.get_secret_value(),
        target_environment=momo.target_environment,
        currency=settings.hub.currency,
        callback_url=settings.momo_callback_url,
        timeout_s=momo.timeout_s,
    )


def momo_collection_of(settings: Settings, base_url: str = "") -> MomoConfig:
    """The same for MTN's collection product, which has keys of its own."""
    momo = settings.momo
    return replace(
        momo_of(settings, base_url),
        subscription_key=momo.collection_subscription_key.get_secret_value(),
        api_user=momo.collection_api_user,
        api_key=momo.collection_api_key.get_secret_value(),
    )


def airtel_of(settings: Settings, base_url: str = "") -> AirtelConfig:
    """Airtel's side of the settings; `base_url` is the sandbox's where one runs."""
    airtel = settings.airtel
    return AirtelConfig(
        base_url=base_url or airtel.base_url,
        client_id=airtel.client_id,
        client_secret=airtel.client_secret.get_secret_value(),
        pin=airtel.pin.get_secret_value(),
        callback_secret=airtel.callback_secret.get_secret_value(),
        country=settings.hub.country,
        currency=settings.hub.currency,
        sign_messages=airtel.sign_messages,
        timeout_s=airtel.timeout_s,
    )


def telegram_of(settings: Settings, sandbox_url: str = "") -> TelegramConfig:
    """The bot in the settings; `sandbox_url` is the sandbox's where one runs."""
    telegram = settings.telegram
    usual = f"{sandbox_url}/bot" if sandbox_url else PRODUCTION
    return TelegramConfig(
        base_url=telegram.base_url or usual,
        token=telegram.token.get_secret_value(),
        webhook_url=f"{settings.url}/telegram/webhook",
        webhook_secret=telegram.webhook_secret.get_secret_value(),
        mode=telegram.mode,
    )


def sms_of(settings: Settings, base_url: str = "") -> SmsConfig:
    """Africa's Talking SMS in the settings; `base_url` is the sandbox's where one runs."""
    sms = settings.sms
    return SmsConfig(
        base_url=base_url or sms.base_url,
        username=sms.username,
        api_key=sms.api_key.get_secret_value(),
        sender=sms.sender,
        timeout_s=sms.timeout_s,
    )
