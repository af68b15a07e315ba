"""What is said in a chat about a list that was sent as a file."""

from __future__ import annotations

from bot.i18n import _


def too_large() -> str:
    """More bytes than we fetch."""
    return _("This file is too large. Nothing was changed.")


def no_list() -> str:
    """It is no text, or nothing is in it."""
    return _("We cannot read this file. Save it as CSV and send it again. Nothing was changed.")


def not_fetched() -> str:
    """Telegram did not give it to us."""
    return _("The file did not arrive. Please send it again.")
