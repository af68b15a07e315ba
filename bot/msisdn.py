"""Phone numbers: every form a gateway sends becomes one E.164 number, or is refused."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

# The common case, decided without a parse (35 us): a Rwandan mobile in international form.
_RWANDAN = re.compile(r"\+2507[23789][0-9]{7}")
_ASCII_FORM = re.compile(r"\+?[0-9]{7,15}")


def read_msisdn(text: str, country: str) -> str | None:
    """The E.164 form of a mobile number of `country` ("RW"), or None.

    Only ASCII digits count: full-width and Arabic digits would make a second account.
    """
    if country == "RW" and _RWANDAN.fullmatch(text):
        return text
    return _read_other_form(text, country)


def masked(msisdn: str) -> str:
    """The number as logs and pages may show it: +2507•••••56."""
    return f"{msisdn[:5]}•••••{msisdn[-2:]}" if len(msisdn) > 7 else "•••"


@lru_cache(8192)
def _read_other_form(text: str, country: str) -> str | None:
    if not _ASCII_FORM.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.region_code_for_number(number) != country:
        return None
    # An eight-digit slip is "possible" but not valid; only "valid" will do.
    if not phonenumbers.is_valid_number(number):
        return None
    if phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.MOBILE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
