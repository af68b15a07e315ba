"""Settings: each is documented, and what is wrong is named with its remedy."""

import re
import tomllib
from pathlib import Path

import pytest

from bot.raw_settings import names_in
from bot.settings import SettingsError, load_settings

_DEFAULT = Path("config/default.toml")


def test_the_demo_starts_with_no_setting_at_all() -> None:
    settings = load_settings({})
    assert settings.env == "demo" and settings.url == "http://127.0.0.1:8080"


def test_the_environment_wins() -> None:
    settings = load_settings({"ISOKO_PORT": "9000", "ISOKO_USSD__PAGE_SEPTETS": "140"})
    assert (settings.port, settings.ussd.page_septets) == (9000, 140)


# Their comment stands above the table, or above a sibling of theirs.
_UNDER_ANOTHERS = frozenset({"secrets", "users", "passwords", "api_user", "api_key", "timeout_s",
                             "passes", "lanes", "port"})  # fmt: skip


def test_every_setting_has_a_comment() -> None:
    text = _DEFAULT.read_text(encoding="utf-8")
    for name in names_in(tomllib.loads(text)):
        key = name.rpartition(".")[2]
        if key not in _UNDER_ANOTHERS:
            assert re.search(rf"^#.*\n(?:\w+ = .*\n)*{key} = ", text, re.MULTILINE), name


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ISOKO_PROT": "1"}, "did you mean ISOKO_PORT?"),
        ({"ISOKO_PORT": "abc"}, "ISOKO_PORT"),
        ({"ISOKO_ENV": "prod"}, "demo or production"),
        ({"ISOKO_ENV": "production"}, "openssl rand"),
        ({"ISOKO_WORKERS": "2"}, "ISOKO_REDIS_URL"),
        ({"ISOKO_LOG_LEVEL": "loud"}, "log_level"),
        ({"ISOKO_PORT": "70000"}, "set ISOKO_PORT"),
        ({"ISOKO_HUB__TIMEZONE": "Mars"}, "a time zone, such as Africa/Kigali"),
        ({"ISOKO_HUB__TIMEZONE": "/etc/passwd"}, "set ISOKO_HUB__TIMEZONE"),
        ({"ISOKO_HUB__HELP_MSISDN": "call us"}, "set ISOKO_HUB__HELP_MSISDN"),
        ({"ISOKO_HUB__COUNTRY": "Rwanda"}, "two letters"),
        ({"ISOKO_USSD__PAGE_SEPTETS": "10"}, "set ISOKO_USSD__PAGE_SEPTETS"),
        ({"ISOKO_DATABASE_URL": "mysql://isoko@here/isoko"}, "postgresql://…, or empty"),
        ({"ISOKO_REDIS_URL": "here:6379"}, "set ISOKO_REDIS_URL"),
        ({"ISOKO_WORKERS": "0"}, "set ISOKO_WORKERS"),
        ({"ISOKO_SECRET_KEY": ""}, "ISOKO_SECRET_KEY is empty"),
        ({"ISOKO_TELEGRAM__WEBHOOK_SECRET": ""}, "ISOKO_TELEGRAM__WEBHOOK_SECRET is empty"),
        ({"ISOKO_USSD__ALLOWED_NETWORKS": "here"}, "such as 10.0.0.0/8"),
        ({"ISOKO_USSD__TRUSTED_PROXIES": "10.0.0.1/8"}, "such as 10.0.0.0/8"),
        ({"ISOKO_USSD__PROXY_HOPS": "0"}, "set ISOKO_USSD__PROXY_HOPS"),
    ],
)
def test_O01_what_is_wrong_is_named_with_its_remedy(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        load_settings(variables)


def test_O01_a_weak_secret_stops_production() -> None:
    for weak in ("changeme-changeme-changeme", "short", "demo-secret-key-of-the-demo"):
        with pytest.raises(SettingsError, match="ISOKO_SECRET_KEY"):
            load_settings({"ISOKO_ENV": "production", "ISOKO_SECRET_KEY": weak})


def test_a_secret_is_not_shown() -> None:
    assert "demo-pepper" not in repr(load_settings({}))


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ISOKO_AIRTEL__PIN": ""}, "ISOKO_AIRTEL__PIN"),
        ({"ISOKO_AIRTEL__PIN": "abcd"}, "ISOKO_AIRTEL__PIN"),
    ],
)
def test_airtel_without_its_pin_stops_the_start(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_settings(variables)
    assert load_settings(variables | {"ISOKO_AIRTEL__CLIENT_ID": ""}).airtel.client_id == ""


def test_collections_without_their_keys_stop_production_and_only_when_they_are_on() -> None:
    strong = "0123456789abcdef01234567"
    names = ("SECRET_KEY", "PIN__PEPPER", "MOMO__SUBSCRIPTION_KEY", "MOMO__API_USER", "MOMO__API_KEY", "SMS__USERNAME",
             "SMS__API_KEY", "METRICS__TOKEN", "USSD__SECRETS__AFRICASTALKING")  # fmt: skip
    production = {"ISOKO_ENV": "production", **{f"ISOKO_{name}": strong for name in names}}
    assert not load_settings(production).collections.enabled
    production |= {"ISOKO_COLLECTIONS__ENABLED": "true"}
    for name in ("API_USER", "SUBSCRIPTION_KEY", "API_KEY"):
        variable = f"ISOKO_MOMO__COLLECTION_{name}"
        with pytest.raises(SettingsError, match=f"{variable} is missing.*COLLECTIONS__ENABLED"):
            load_settings(production)
        production |= {variable: strong}
    assert load_settings(production).collections.enabled


@pytest.mark.parametrize("missing", ["ISOKO_MOMO__API_USER", "ISOKO_SMS__USERNAME"])
def test_O01_an_account_that_is_not_named_stops_production(missing: str) -> None:
    strong = "0123456789abcdef01234567"
    names = ("SECRET_KEY", "PIN__PEPPER", "MOMO__SUBSCRIPTION_KEY", "MOMO__API_USER",
             "MOMO__API_KEY", "SMS__USERNAME", "SMS__API_KEY", "METRICS__TOKEN",
             "USSD__SECRETS__AFRICASTALKING")  # fmt: skip
    production = {"ISOKO_ENV": "production", **{f"ISOKO_{name}": strong for name in names}}
    assert load_settings(production).env == "production"
    with pytest.raises(SettingsError, match=f"{missing} is missing"):
        load_settings({**production, missing: ""})


def test_a_bot_without_its_token_stops_the_start_and_without_strong_secrets_production() -> None:
    with pytest.raises(SettingsError, match=r"ISOKO_TELEGRAM__TOKEN is missing.*ENABLED=false"):
        load_settings({"ISOKO_TELEGRAM__TOKEN": ""})
    strong = "0123456789abcdef01234567"
    names = ("SECRET_KEY", "PIN__PEPPER", "MOMO__SUBSCRIPTION_KEY", "MOMO__API_USER", "MOMO__API_KEY", "SMS__USERNAME",
             "SMS__API_KEY", "METRICS__TOKEN", "USSD__SECRETS__AFRICASTALKING")  # fmt: skip
    production = {"ISOKO_ENV": "production", **{f"ISOKO_{name}": strong for name in names}}
    assert not load_settings(production).telegram.enabled
    production |= {"ISOKO_TELEGRAM__ENABLED": "true", "ISOKO_TELEGRAM__TOKEN": f"1:{strong}"}
    for weak in ("", "short", "demo-telegram-secret"):
        with pytest.raises(SettingsError, match="ISOKO_TELEGRAM__WEBHOOK_SECRET"):
            load_settings({**production, "ISOKO_TELEGRAM__WEBHOOK_SECRET": weak})
    assert load_settings({**production, "ISOKO_TELEGRAM__WEBHOOK_SECRET": strong}).telegram.enabled
