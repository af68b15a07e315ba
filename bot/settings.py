"""Settings: what can be set, as one frozen value, or the start stops."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.production import debugging, open_env_file
from bot.raw_settings import CONFIG, PREFIX, SettingsError, read_values

__all__ = ["Settings", "SettingsError", "load_settings"]

_SECRETS_MAX = 2
_NEW_SECRET = 'a new one: echo "whsec_$(openssl rand -base64 32)"'  # noqa: S105  how to
# Stands in config/demo.toml and docs/hub.md.
_DEMO_SECRET = "whsec_ZGVtby1zZWNyZXQtb2YtdGhlLWh1Yi1vbmx5LWhlcmU="  # noqa: S105  known to all


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
    hop_budget_s: float
    resume_s: float
    call_s: float
    session_ttl_s: float
    dials_per_minute: int
    max_hops_in_flight: int
    silent_days: int = Field(gt=0)
    body_limit_bytes: int
    body_timeout_s: float
    allowed_networks: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    proxy_hops: int
    secrets: dict[str, SecretStr]


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
    offer_hours: float = Field(gt=0)
    smallest_part_packs: int = Field(gt=0)
    shopify_secret: SecretStr
    woocommerce_secret: SecretStr
    taobao_app_key: str
    taobao_secret: SecretStr


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
    workers: int
    drain_s: float
    public_url: str
    allowed_hosts: tuple[str, ...]
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
    news: NewsSettings
    outbox: OutboxSettings
    transcripts: TranscriptSettings
    sandbox: SandboxSettings
    metrics: MetricsSettings
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


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Default, then the environment's own file, then variables; the last one wins.

    Raises `SettingsError` for an unknown, missing, malformed or unsafe setting.
    """
    variables = os.environ if environment is None else environment
    try:
        settings = Settings.model_validate(read_values(variables))
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from None
    _refuse_unsafe(settings)
    if settings.env == "production":
        _refuse_unsafe_machine(variables, settings)
    return settings


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    variable = PREFIX + name.upper().replace(".", "__")
    if first["type"] == "missing":
        return f"setting {name} is missing: give it in config/default.toml or as {variable}"
    why = first["msg"].removeprefix("Value error, ")
    return (
        f"setting {name} is not usable: {why[:1].lower()}{why[1:]}; correct it, or set {variable}"
    )


def _refuse_unsafe(settings: Settings) -> None:
    several = settings.workers > 1
    if several and not (settings.redis_url and settings.database_url):
        raise SettingsError(
            "ISOKO_WORKERS is more than 1: several workers need ISOKO_REDIS_URL and "
            "ISOKO_DATABASE_URL, or set ISOKO_WORKERS=1"
        )
    tls = settings.tls
    if bool(tls.certificate) != bool(tls.key) or (tls.client_ca and not tls.certificate):
        raise SettingsError(
            "ISOKO_TLS__CERTIFICATE and ISOKO_TLS__KEY belong together, and ISOKO_TLS__CLIENT_CA "
            "needs both: give all, or none to end TLS at a proxy"
        )
    if bool(tls.client_ca) != bool(tls.client_names):
        raise SettingsError(
            "ISOKO_TLS__CLIENT_CA and ISOKO_TLS__CLIENT_NAMES belong together: else whomever that "
            "CA signs for could call the gateways' routes"
        )
    if settings.airtel.client_id and not settings.airtel.pin.get_secret_value().isdecimal():
        raise SettingsError(
            "ISOKO_AIRTEL__PIN is missing or no number: give the disbursement PIN that Airtel's "
            "portal shows, or leave ISOKO_AIRTEL__CLIENT_ID empty to pay without Airtel"
        )
    if settings.collections.enabled and not settings.momo.collection_api_user:
        raise SettingsError(
            "ISOKO_MOMO__COLLECTION_API_USER is missing: give the API user of MTN's collection "
            "product, or set ISOKO_COLLECTIONS__ENABLED=false"
        )
    if settings.telegram.enabled and not settings.telegram.token.get_secret_value():
        raise SettingsError(
            "ISOKO_TELEGRAM__TOKEN is missing: give the token that @BotFather gave, or set "
            "ISOKO_TELEGRAM__ENABLED=false"
        )
    if settings.marketplace.enabled:
        _refuse_unusable_marketplace(settings)
    if settings.env != "production":
        return
    if settings.sandbox.enabled:
        raise SettingsError(
            "sandbox.enabled is true in production: set ISOKO_SANDBOX__ENABLED=false"
        )
    for name, value in _secrets(settings).items():
        text = value.get_secret_value()
        if len(text) < 16 or text.lower().startswith(("demo", "changeme")):
            variable = PREFIX + name.upper().replace(".", "__")
            raise SettingsError(
                f"{variable} is missing or too weak for production: {_remedy(name)}"
            )


def _refuse_unusable_marketplace(settings: Settings) -> None:
    name = "ISOKO_MARKETPLACE__SECRETS"
    secrets = [one.get_secret_value() for one in settings.marketplace.secrets]
    if not 0 < len(secrets) <= _SECRETS_MAX:
        raise SettingsError(
            f"{name} must hold one secret of the hub, or two while it changes over: {_NEW_SECRET}, "
            "or set ISOKO_MARKETPLACE__ENABLED=false"
        )
    for secret in secrets:
        if not _is_webhook_secret(secret):
            raise SettingsError(
                f"{name} holds one that is not whsec_ and base64 of 24 to 64 bytes: {_NEW_SECRET}"
            )
    if settings.env == "production" and _DEMO_SECRET in secrets:
        raise SettingsError(
            f"{name} holds the demo's own secret, which everybody knows: use one "
            f"of your own; {_NEW_SECRET}"
        )
    if settings.env == "production" and settings.marketplace.private_receivers:
        raise SettingsError(
            "ISOKO_MARKETPLACE__PRIVATE_RECEIVERS is true in production, where webhooks could then "
            "reach into the network of the server: set it to false"
        )


def _is_webhook_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


def _refuse_unsafe_machine(variables: Mapping[str, str], settings: Settings) -> None:
    trouble = debugging(variables, settings.log_level)
    # Where the server was started, and where compose.yaml reads it.
    trouble = trouble or open_env_file((Path.cwd(), CONFIG.parent))
    if trouble:
        raise SettingsError(trouble)


def _remedy(name: str) -> str:
    if name.startswith("momo.collection_"):
        return (
            "give the one of MTN's collection product, or set ISOKO_COLLECTIONS__ENABLED=false to "
            "collect nothing"
        )
    return "give at least 16 random characters, for instance from `openssl rand -hex 24`"


def _secrets(settings: Settings) -> dict[str, SecretStr]:
    empty = SecretStr("")
    found = {
        "secret_key": settings.secret_key,
        "pin.pepper": settings.pin.pepper,
        "momo.subscription_key": settings.momo.subscription_key,
        "momo.api_key": settings.momo.api_key,
        "sms.api_key": settings.sms.api_key,
        "metrics.token": settings.metrics.token,
    }
    if settings.collections.enabled:
        momo = settings.momo
        found["momo.collection_subscription_key"] = momo.collection_subscription_key
        found["momo.collection_api_key"] = momo.collection_api_key
    if settings.airtel.client_id:
        found["airtel.client_secret"] = settings.airtel.client_secret
        # Callback authentication may be off at Airtel: a callback only ever makes us ask.
        if settings.airtel.callback_secret.get_secret_value():
            found["airtel.callback_secret"] = settings.airtel.callback_secret
    if settings.telegram.enabled:
        found["telegram.token"] = settings.telegram.token
        found["telegram.webhook_secret"] = settings.telegram.webhook_secret
    if settings.marketplace.enabled:
        # Without a secret a shop's door is not there.
        for shop in ("shopify", "woocommerce", "taobao"):
            secret: SecretStr = getattr(settings.marketplace, f"{shop}_secret")
            if secret.get_secret_value():
                found[f"marketplace.{shop}_secret"] = secret
    for gateway in settings.ussd.gateways:
        found[f"ussd.secrets.{gateway}"] = settings.ussd.secrets.get(gateway, empty)
    return found
