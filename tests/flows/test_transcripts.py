"""Golden transcripts: whole calls in three languages, for a speaker of the language to review.

`pytest --record` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.ussd.gsm7 import BASIC, EXTENSION, septets
from tests.flows.calls import CALLS
from tests.server import UNKNOWN, running

_FOLDER = Path(__file__).parent / "transcripts"
_LANGUAGES = {"rw": "1", "fr": "2", "en": "3"}


@pytest.mark.parametrize("language", _LANGUAGES)
@pytest.mark.parametrize("call", CALLS)
async def test_a_call_reads_as_it_did(
    call: str, language: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The whole call, screen by screen, is the one that was reviewed."""
    title, caller, entries = CALLS[call]
    async with running(tmp_path) as server:
        if caller != UNKNOWN:
            await _speak(server, caller, language)
        phone = server.phone(caller)
        screen = await phone.dials()
        told = [f"{title}\n", f"> *384*801#\n{_shown(screen, phone.ended)}"]
        if caller == UNKNOWN:
            entries = (_LANGUAGES[language], *entries)
        for entry in map(_of_today, entries):
            screen = await phone.types(entry)
            told.append(f"> {entry}\n{_shown(screen, phone.ended)}")
            assert septets(screen) <= 160
            assert all(sign in BASIC + EXTENSION for sign in screen)
    found = _steady("\n".join(told))
    file = _FOLDER / f"{call}.{language}.txt"
    if request.config.getoption("--record"):
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


async def _speak(server, caller: str, language: str) -> None:
    phone = server.phone(caller)
    await phone.dials()
    await phone.types("9", _LANGUAGES[language])


def _of_today(entry: str) -> str:
    """What is typed: a day of last week where one is asked that lies near."""
    return entry.replace("{lately}", f"{datetime.now(UTC) - timedelta(days=7):%d/%m}")


def _shown(screen: str, ended: bool) -> str:
    return f"{screen} ■\n" if ended else f"{screen}\n"


def _steady(text: str) -> str:
    """The text with what differs from run to run put in words: ticket codes and days."""
    text = re.sub(r"T-[0-9A-Z]{5}", "T-•••••", text)
    text = re.sub(r"\([0-9]{2}/[0-9]{2}-[0-9]{2}/[0-9]{2}\)", "([a week])", text)
    today = datetime.now(UTC).astimezone(ZoneInfo("Africa/Kigali"))
    for days in range(-30, 31):
        when = today + timedelta(days=days)
        name = f"day{days:+}"
        text = text.replace(f"{when:%d/%m/%Y}", f"[{name}, year]")
        text = re.sub(rf"(?<![0-9/]){when:%d/%m}(?![0-9/])", f"[{name}]", text)
    return re.sub(r"(?<=year\],) [0-9]{2}:[0-9]{2}", " [time]", text)
