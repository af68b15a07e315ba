"""Golden transcripts: whole calls in three languages, for a speaker of the language to review.

`pytest --record` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.ussd.gsm7 import BASIC, EXTENSION, septets
from tests.flows.calls import CALLS
from tests.server import UNKNOWN, running
from tests.steady import of_today, steady

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
        for entry in map(of_today, entries):
            # Which calls are kept is among what a person is shown.
            await server.write_transcripts()
            screen = await phone.types(entry)
            told.append(f"> {entry}\n{_shown(screen, phone.ended)}")
            assert septets(screen) <= 160
            assert all(sign in BASIC + EXTENSION for sign in screen)
    found = steady("\n".join(told))
    file = _FOLDER / f"{call}.{language}.txt"
    if request.config.getoption("--record"):
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


async def _speak(server, caller: str, language: str) -> None:
    phone = server.phone(caller)
    await phone.dials()
    await phone.types("9", _LANGUAGES[language])


def _shown(screen: str, ended: bool) -> str:
    return f"{screen} ■\n" if ended else f"{screen}\n"
