"""Amounts, weights and days as people here write them; and reading a typed amount."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.conversation import Language

# Between an amount and its unit, and inside a number: a page may never break there.
NO_BREAK = "\u00a0"
_GROUPED = re.compile(r"[0-9]{1,3}(?:([ ,.'])[0-9]{3}(?:\1[0-9]{3})*)?|[0-9]+", re.ASCII)
_DIGITS_MAX = 12
_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})(?:[/.-]([0-9]{4}))?", re.ASCII)


@lru_cache(8192)
def number(count: int, language: Language) -> str:
    """A whole number in groups of three: 12,000 (rw, en) or 12 000 (fr)."""
    grouped = f"{count:,}"
    return grouped.replace(",", NO_BREAK) if language == "fr" else grouped


@lru_cache(8192)
def amount(amount_rwf: int, language: Language) -> str:
    """Francs: `12,000 Frw` (rw, en), `12 000 Frw` (fr)."""
    return f"{number(amount_rwf, language)}{NO_BREAK}Frw"


def usd(cents: int) -> str:
    """Dollars, as the published example writes them: `16$`, `16.50$`."""
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest:02}$" if rest else f"{whole}$"


@lru_cache(8192)
def weight(weight_g: int, language: Language) -> str:
    """A weight, exact: `500 g` below a kilogram, else `100 kg`, `1.25 kg` (fr `1,25 kg`)."""
    if abs(weight_g) < 1000:
        return f"{weight_g}{NO_BREAK}g"
    whole, rest = divmod(weight_g, 1000)
    decimals = f"{rest:03}".rstrip("0")
    mark = "," if language == "fr" else "."
    shown = number(whole, language) + (f"{mark}{decimals}" if decimals else "")
    return f"{shown}{NO_BREAK}kg"


@lru_cache(2048)
def day(when: date) -> str:
    """`05/12/2026`."""
    return f"{when.day:02}/{when.month:02}/{when.year}"


@lru_cache(2048)
def short_day(when: date) -> str:
    """`05/12`, where the year is plain."""
    return f"{when.day:02}/{when.month:02}"


def at(moment: datetime, timezone: str) -> str:
    """A moment on the clock of `timezone`: `05/12/2026, 16:00`."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{day(local.date())},{NO_BREAK}{local.hour:02}:{local.minute:02}"


def local_day(moment: datetime, timezone: str) -> date:
    """The day of a moment in `timezone`."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def read_day(typed: str, today: date) -> date | None:
    """A typed day, `20/12` or `20/12/2026`, or None; without a year the next such day."""
    found = _DAY.fullmatch(typed.strip())
    if found is None:
        return None
    month_day, year = (int(found[2]), int(found[1])), found[3]
    for guess in (int(year),) if year else (today.year, today.year + 1):
        try:
            when = date(guess, *month_day)
        except ValueError:
            continue
        if year or when >= today:
            return when
    return None


def read_nearest_day(typed: str, today: date) -> date | None:
    """A typed day as `read_day` takes it, or None; without a year the nearest, before or after."""
    found = _DAY.fullmatch(typed.strip())
    if found is None:
        return None
    if found[3]:
        return read_day(typed, today)
    years = (today.year - 1, today.year, today.year + 1)
    days = (read_day(f"{found[1]}/{found[2]}/{year}", today) for year in years)
    return min((d for d in days if d), key=lambda d: abs(d - today), default=None)


def read_amount(typed: str) -> int | None:
    """A typed whole number, or None for anything that could be read in two ways.

    ASCII digits only; a separator (space , . ') only between groups of exactly three, and the same
    one throughout. So `12.000` is twelve thousand, and `12.5`, `-5`, `1e9` are nothing.
    """
    text = typed.strip()
    if not _GROUPED.fullmatch(text):
        return None
    digits = re.sub(r"[ ,.']", "", text)
    return int(digits) if len(digits) <= _DIGITS_MAX else None
