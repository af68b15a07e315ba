"""Settings: what can be set, as one frozen value, or the start stops."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr, ValidationError

from bot.production import debugging, open_env_file, slow_parser
from bot.raw_settings import CONFIG, PREFIX, SettingsError, read_values
from bot.setting_sections import Settings

__all__ = ["Settings", "SettingsError", "load_settings"]

_SECRETS_MAX = 2
_NEW_SECRET = 'a new one: echo "whsec_$(openssl rand -base64 32)"'  # noqa: S105  how to
# Stands in config/demo.toml and docs/hub.md.
_DEMO_SECRET = "whsec_ZGVtby1zZWNyZXQtb2YtdGhlLWh1Yi1vbmx5LWhlcmU="  # noqa: S105  known to all


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
    _refuse_unusable_doors(settings)
    _refuse_unusable_accounts(settings)
    if settings.marketplace.enabled:
        _refuse_unusable_marketplace(settings)
    if settings.env == "production":
        _refuse_weak(settings)
    if not settings.secret_key.get_secret_value():
        raise SettingsError(f"ISOKO_SECRET_KEY is empty: {_remedy('secret_key')}")


def _refuse_unusable_doors(settings: Settings) -> None:
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


def _refuse_unusable_accounts(settings: Settings) -> None:
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
    if settings.telegram.enabled and not settings.telegram.webhook_secret.get_secret_value():
        raise SettingsError(
            f"ISOKO_TELEGRAM__WEBHOOK_SECRET is empty: {_remedy('telegram.webhook_secret')}"
        )
    if settings.alerts.telegram_chat and not settings.telegram.enabled:
        raise SettingsError(
            "ISOKO_ALERTS__TELEGRAM_CHAT needs the bot: set ISOKO_TELEGRAM__ENABLED=true, or the "
            "chat to 0"
        )


def _refuse_weak(settings: Settings) -> None:
    """What a demo may have and production may not."""
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
    for name, account in (
        ("ISOKO_MOMO__API_USER", settings.momo.api_user),
        ("ISOKO_SMS__USERNAME", settings.sms.username),
    ):
        if not account:
            raise SettingsError(f"{name} is missing: give the one of your account there")


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
    _refuse_unusable_pulls(settings)


def _refuse_unusable_pulls(settings: Settings) -> None:
    market = settings.marketplace
    asks_taobao = bool(market.taobao_session.get_secret_value())
    if asks_taobao and not (market.taobao_app_key and market.taobao_secret.get_secret_value()):
        raise SettingsError(
            "ISOKO_MARKETPLACE__TAOBAO_SESSION needs ISOKO_MARKETPLACE__TAOBAO_APP_KEY and "
            "…TAOBAO_SECRET, which sign every call"
        )
    keys = market.woocommerce_key.get_secret_value(), market.woocommerce_key_secret
    if market.woocommerce_url and not (keys[0] and keys[1].get_secret_value()):
        raise SettingsError(
            "ISOKO_MARKETPLACE__WOOCOMMERCE_URL needs ISOKO_MARKETPLACE__WOOCOMMERCE_KEY and "
            "…WOOCOMMERCE_KEY_SECRET: WooCommerce makes them under Advanced, REST API (read access)"
        )
    for name, url in (
        ("TAOBAO_URL", market.taobao_url if asks_taobao else ""),
        ("WOOCOMMERCE_URL", market.woocommerce_url),
    ):
        if url and not url.startswith("https://") and settings.env == "production":
            raise SettingsError(
                f"ISOKO_MARKETPLACE__{name} must begin with https:// in production: keys go there"
            )
        if url and not url.startswith(("https://", "http://")):
            raise SettingsError(f"ISOKO_MARKETPLACE__{name} is no address: begin with https://")


def _is_webhook_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


def _refuse_unsafe_machine(variables: Mapping[str, str], settings: Settings) -> None:
    trouble = debugging(variables, settings.log_level) or slow_parser(variables)
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
    if settings.backup.key.get_secret_value():
        found["backup.key"] = settings.backup.key
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
