"""The words to somebody whom a co-operative has taken in, in the language that is spoken."""

from __future__ import annotations

from bot.i18n import _


def taken_in(cooperative: str, help_msisdn: str) -> str:
    """Who has taken them in, what comes of it, and whom to call when it is wrong."""
    return _(
        "Isoko: {cooperative} has taken you in as a member, and may ask you to share its orders. "
        "Not right? Call {tel}"
    ).format(cooperative=cooperative, tel=help_msisdn)
