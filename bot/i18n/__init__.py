"""Words in the person's language: `_` translates in the language that `speaking` has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from babel.messages.mofile import read_mo

from bot.conversation import LANGUAGES, Language

DOMAIN = "bot"
CATALOGUES = Path(__file__).parent

_language: ContextVar[Language] = ContextVar("language")


class _Catalogues(dict[Language, dict[str, str]]):
    """The words of each language in a plain dictionary, read at first use.

    Every word shown is looked up here: a dictionary takes a third of what gettext's own class does.
    """

    def __missing__(self, language: Language) -> dict[str, str]:
        with (CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
            messages = read_mo(file)
        self[language] = {
            one.id: one.string
            for one in messages
            if isinstance(one.id, str) and isinstance(one.string, str) and one.id and one.string
        }
        return self[language]


_catalogues = _Catalogues()


def load_catalogues() -> None:
    """Read all catalogues now, so that no caller waits for it. Raises FileNotFoundError."""
    for language in LANGUAGES:
        _catalogues[language]


def _(message: str) -> str:
    """The message in the language being spoken. Outside `speaking` this fails with LookupError."""
    return _catalogues[_language.get()].get(message, message)


def N_(message: str) -> str:  # noqa: N802  gettext's own name for it
    """Mark a message for the catalogues without translating it yet."""
    return message


def language_spoken() -> Language:
    """The language `speaking` has set. Raises LookupError outside of it."""
    return _language.get()


def speak(language: Language) -> None:
    """From here on, in this task or thread, `_` answers in `language`."""
    _language.set(language)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Within this block `_` answers in `language`."""
    before = _language.set(language)
    try:
        yield
    finally:
        _language.reset(before)
