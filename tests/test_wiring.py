"""From settings to parts: what is set arrives where it is used."""

import pytest

from bot.settings import load_settings
from bot.wiring import momo_of

_SECRETS = {
    "ISOKO_ENV": "production",
    **{
        f"ISOKO_{name}": "0123456789abcdef01234567"
        for name in (
            "SECRET_KEY", "PIN__PEPPER", "MOMO__SUBSCRIPTION_KEY", "MOMO__API_USER", "MOMO__API_KEY", "SMS__USERNAME",
            "SMS__API_KEY", "METRICS__TOKEN", "USSD__SECRETS__AFRICASTALKING",
        )
    },
}  # fmt: skip
_USUAL = "/payments/mtn-momo/callback"


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, f"http://127.0.0.1:8080{_USUAL}"),
        ({"ISOKO_PUBLIC_URL": "https://isoko.example.rw/"}, f"https://isoko.example.rw{_USUAL}"),
        ({"ISOKO_MOMO__CALLBACK_URL": "https://cb.example.rw/x"}, "https://cb.example.rw/x"),
        (_SECRETS, ""),
        ({**_SECRETS, "ISOKO_PUBLIC_URL": "https://isoko.rw"}, f"https://isoko.rw{_USUAL}"),
    ],
)
def test_mtn_is_told_where_to_call_back(variables: dict[str, str], url: str) -> None:
    assert momo_of(load_settings(variables)).callback_url == url
