"""What may be set, section by section, as in config/default.toml; each value of its own kind."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

_REDIS = r"((rediss?|unix|redis\+sentinel|redis\+cluster)://.+)?"


def _like(pattern: str, wanted: str) -> AfterValidator:
    """A text of this form; `wanted` says in words what is expected."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"it must be {wanted}")
        return text

    return AfterValidator(check)


def _has_clock(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("it must be a time zone, such as Africa/Kigali") from error
    return name


def _is_network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError("it must be addresses or networks, such as 10.0.0.0/8") from error
    return text


_Networks = tuple[Annotated[str, AfterValidator(_is_network)], ...]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HubSettings(_Frozen):
    """The hub this server serves."""

    id: str
    name: str
    currency: str
    country: Annotated[str, _like("[A-Z]{2}", "two letters, such as RW")]
    timezone: Annotated[str, AfterValidator(_has_clock)]
    help_msisdn: Annotated[str, _like(r"\+[0-9]{8,15}", "a number such as +250788000900")]
    service_code: str


class UssdSettings(_Frozen):
    """The USSD door and the life of a conversation."""

    gateways: tuple[str, ...]
    service_codes: tuple[str, ...]
    page_septets: int = Field(ge=80, le=182)
    hop_budget_s: float = Field(gt=0, le=20)
    resume_s: float
    call_s: float
    session_ttl_s: float
    dials_per_minute: int
    max_hops_in_flight: int
    silent_days: int = Field(gt=0)
    body_limit_bytes: int
    body_timeout_s: float
    allowed_networks: _Networks
    trusted_proxies: _Networks
    proxy_hops: int = Field(ge=1)
    secrets: dict[str, SecretStr]
    users: dict[str, str]
    passwords: dict[str, SecretStr]


class PinSettings(_Frozen):
    """What a PIN costs to check, and how often it may be wrong."""

    pepper: SecretStr
    memory_kib: int
    passes: int
    lanes: int
    tries_per_session: int
    tries_per_day: int
    lock_minutes: int
    lifetime_tries: int
    hash_workers: int
    hash_queue: int
    alarm_failures: int = Field(gt=0)
    alarm_minutes: int = Field(gt=0)
    alarm_checks_per_minute: int = Field(gt=0)


class PriceSettings(_Frozen):
    """When a price counts as old, and as unbelievable."""

    stale_after_days: int
    outlier_factor: float


class PayoutSettings(_Frozen):
    """How much may be paid out; the tables themselves hold nothing over five million."""

    largest_rwf: int = Field(gt=0, le=5_000_000)
    person_day_rwf: int = Field(gt=0)
    release_above_rwf: int = Field(ge=0)
    cooling_off_hours: int = Field(ge=0)


class CollectionSettings(_Frozen):
    """Whether and how the hub collects money from people."""

    enabled: bool
    prompt_after_s: float = Field(ge=0, le=60)
    sale_largest_rwf: int = Field(gt=0, le=5_000_000)
    sale_day_rwf: int = Field(gt=0)
    sale_open_max: int = Field(gt=0)
    sale_day_max: int = Field(gt=0)
    buyer_day_max: int = Field(gt=0)


class OutageSettings(_Frozen):
    """When an operator counts as out of order, and how it is taken up again."""

    failures: int = Field(gt=0)
    probe_s: float = Field(gt=0)
    release_batch: int = Field(gt=0, le=100)
    release_s: float = Field(gt=0)


class MomoSettings(_Frozen):
    """MTN MoMo, disbursement and collection; each product has its own key."""

    base_url: str
    subscription_key: SecretStr
    api_user: str
    api_key: SecretStr
    collection_subscription_key: SecretStr
    collection_api_user: str
    collection_api_key: SecretStr
    target_environment: str
    callback_url: str
    timeout_s: float


class AirtelSettings(_Frozen):
    """Airtel Money; without `client_id` this hub does not pay through Airtel."""

    base_url: str
    client_id: str
    client_secret: SecretStr
    pin: SecretStr
    callback_secret: SecretStr
    sign_messages: bool
    timeout_s: float


class SmsSettings(_Frozen):
    """SMS out, in Africa's Talking's form."""

    base_url: str
    username: str
    api_key: SecretStr
    sender: str
    timeout_s: float


class TelegramSettings(_Frozen):
    """The bot on Telegram; off unless set."""

    enabled: bool
    token: SecretStr
    webhook_secret: SecretStr
    base_url: str
    mode: Literal["webhook", "polling"]
    bot_name: str


class MarketplaceSettings(_Frozen):
    """The marketplace's hub: who signs for it, and how its orders are offered."""

    enabled: bool
    secrets: tuple[SecretStr, ...]
    private_receivers: bool
    asks_per_minute: int = Field(gt=0)
    offer_hours: float = Field(gt=0)
    smallest_part_packs: int = Field(gt=0)
    shopify_secret: SecretStr
    woocommerce_secret: SecretStr
    taobao_app_key: str
    taobao_secret: SecretStr
    taobao_session: SecretStr
    taobao_url: str
    woocommerce_url: str
    woocommerce_key: SecretStr
    woocommerce_key_secret: SecretStr
    pull_every_s: float = Field(ge=5, le=3600)


class AlertSettings(_Frozen):
    """When staff are alerted, and where; 0 switches a rule off."""

    enabled: bool
    silent_minutes: int = Field(ge=0)
    silent_from: int = Field(ge=0, le=23)
    silent_until: int = Field(ge=1, le=24)
    unknown_minutes: int = Field(ge=0)
    late_s: int = Field(ge=0)
    slow_ms: int = Field(ge=0)
    sign_in_tries: int = Field(ge=0)
    refused_reveals: int = Field(ge=0)
    left_over: int = Field(ge=0)
    shop_failures: int = Field(ge=0)
    wrong_secrets: int = Field(ge=0)
    stranger_callbacks: int = Field(ge=0)
    disk_percent: int = Field(ge=0, le=100)
    backup_hours: int = Field(ge=0)
    certificate_days: int = Field(ge=0)
    hold_s: float = Field(ge=0)
    rest_s: float = Field(ge=0)
    telegram_chat: int


class NewsSettings(_Frozen):
    """When people are told what can wait; the same hour twice is never."""

    quiet_from: int = Field(ge=0, le=23)
    quiet_until: int = Field(ge=0, le=23)


class OutboxSettings(_Frozen):
    """How news leaves."""

    poll_s: float
    lease_s: float
    batch: int
    max_attempts: int
    keep_days: int = Field(gt=0)


class TranscriptSettings(_Frozen):
    """What is kept of calls."""

    keep_days: int = Field(gt=0)


class SandboxSettings(_Frozen):
    """The pretended outside: operator and SMS, for demo and tests."""

    enabled: bool
    host: str
    port: int


class TlsSettings(_Frozen):
    """TLS of the server's own port, and whose certificates the gateways show."""

    certificate: str
    key: str
    client_ca: str
    client_names: tuple[str, ...]


class BackupSettings(_Frozen):
    """What copies of the embedded store are sealed with."""

    key: SecretStr


class MetricsSettings(_Frozen):
    """Who may read the figures."""

    token: SecretStr


class Settings(_Frozen):
    """Everything that can be set."""

    env: Literal["demo", "production"]
    host: str
    port: int = Field(ge=0, le=65_535)
    data_dir: Path
    database_url: Annotated[str, _like(r"(postgres(ql)?://.+)?", "postgresql://…, or empty")]
    redis_url: Annotated[str, _like(_REDIS, "redis://…, unix://… or redis+cluster://…, or empty")]
    workers: int = Field(ge=1)
    drain_s: float
    public_url: str
    allowed_hosts: tuple[str, ...]
    half_sent_max: int = Field(gt=0)
    log_level: Literal["debug", "info", "warning", "error"]
    log_format: Literal["auto", "json", "console"]
    secret_key: SecretStr
    hub: HubSettings
    ussd: UssdSettings
    pin: PinSettings
    prices: PriceSettings
    payouts: PayoutSettings
    collections: CollectionSettings
    outage: OutageSettings
    momo: MomoSettings
    airtel: AirtelSettings
    sms: SmsSettings
    telegram: TelegramSettings
    marketplace: MarketplaceSettings
    alerts: AlertSettings
    news: NewsSettings
    outbox: OutboxSettings
    transcripts: TranscriptSettings
    sandbox: SandboxSettings
    metrics: MetricsSettings
    backup: BackupSettings
    tls: TlsSettings

    @property
    def url(self) -> str:
        """Where people and operators reach this server."""
        scheme = "https" if self.tls.certificate else "http"
        return self.public_url.rstrip("/") or f"{scheme}://{self.host}:{self.port}"

    @property
    def momo_callback_url(self) -> str:
        """Where MTN calls back, without the token; empty when it cannot reach us."""
        # MTN refuses a payout whose callback has a host it does not know, such as 127.0.0.1.
        nowhere = self.env == "production" and not self.public_url
        usual = "" if nowhere else f"{self.url}/payments/mtn-momo/callback"
        return self.momo.callback_url.rstrip("/") or usual
