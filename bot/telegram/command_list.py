"""The commands that Telegram shows beside the text field, with what they do in each language."""

from __future__ import annotations

from typing import Any

from bot.conversation import LANGUAGES
from bot.i18n import _, speaking

# Telegram has no Kinyarwanda: whoever has another language of Telegram reads that.
_CODES = {"rw": "", "fr": "fr", "en": "en"}


def command_lists() -> list[dict[str, Any]]:
    """The arguments of setMyCommands for each language."""
    lists = []
    for language in LANGUAGES:
        with speaking(language):
            described = _described()
        code = _CODES[language]
        lists.append({"commands": described, **({"language_code": code} if code else {})})
    return lists


def _described() -> list[tuple[str, str]]:
    return [
        ("start", _("Begin")),
        ("menu", _("The menu")),
        ("prices", _("Prices")),
        ("orders", _("Orders")),
        ("language", _("Language")),
        ("help", _("Help")),
        ("agent", _("Write with one of us")),
        ("continue", _("Go on where you were")),
        ("stop", _("End the link with your number")),
    ]
