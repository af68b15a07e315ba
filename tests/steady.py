"""Transcripts that stay the same from day to day: days are told from today's, in Kigali."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def of_today(entry: str) -> str:
    """What is typed: a day of last week where one is asked that lies near."""
    return entry.replace("{lately}", f"{_today() - timedelta(days=7):%d/%m}")


def steady(text: str) -> str:
    """The text with what differs from run to run put in words: ticket codes and days."""
    text = re.sub(r"T-[0-9A-Z]{5}", "T-•••••", text)
    text = re.sub(r"\([0-9]{2}/[0-9]{2}-[0-9]{2}/[0-9]{2}\)", "([a week])", text)
    today = _today()
    for days in range(-30, 31):
        when, name = today + timedelta(days=days), f"day{days:+}"
        text = text.replace(f"{when:%d/%m/%Y}", f"[{name}, year]")
        text = re.sub(rf"(?<![0-9/]){when:%d/%m}(?![0-9/])", f"[{name}]", text)
    return re.sub(r"(?<=year\],)\s[0-9]{2}:[0-9]{2}", " [time]", text)


def _today() -> datetime:
    # For the two hours before midnight UTC it is another day there.
    return datetime.now(UTC).astimezone(ZoneInfo("Africa/Kigali"))
