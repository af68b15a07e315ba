"""Words in the person's language: `_` translates in the language that `speaking` has set."""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from bot.conversation import LANGUAGES, Language

DOMAIN = "bot"
CATALOGUES = Path(__file__).parent

_language: ContextVar[Language] = ContextVar("language")


@lru_cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, CATALOGUES, [language])


class _Words(dict[Language, Callable[[str], str]]):
    """Each catalogue's own look-up, read at its first use; this is called for every word shown."""

    def __missing__(self, language: Language) -> Callable[[str], str]:
        self[language] = _catalogue(language).gettext
        return self[language]


_words = _Words()


def load_catalogues() -> None:
    """Read all catalogues now, so that no caller waits for it. Raises FileNotFoundError."""
    for language in LANGUAGES:
        _words[language]("")


def _(message: str) -> str:
    """The message in the language being spoken. Outside `speaking` this fails with LookupError."""
    return _words[_language.get()](message)


def N_(message: str) -> str:  # noqa: N802  gettext's own name for it
    """Mark a message for the catalogues without translating it yet."""
    return message


def n_(one: str, many: str, count: int) -> str:
    """The form of a message that fits `count`; the number itself is the caller's to format in."""
    return _catalogue(_language.get()).ngettext(one, many, count)


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
