"""Words for the codes in rows: of letters, of the hub's orders, of operators, of who did what."""

from __future__ import annotations

from bot.dashboard.screens.payment_words import KIND_WORDS
from bot.i18n import N_, _

_WORDS = {
    **KIND_WORDS,
    "waiting": N_("waiting"),
    "sent": N_("sent"),
    "dead": N_("given up"),
    "open": N_("open for offers"),
    "filled": N_("all packs promised"),
    "declined": N_("declined"),
    "expired": N_("expired"),
    "cancelled": N_("called off"),
    "working": N_("works"),
    "down": N_("out of order"),
    "recovering": N_("works again, carefully"),
    "ussd": N_("USSD"),
    "telegram": N_("Telegram"),
    "dashboard": N_("the dashboard"),
    "staff": N_("staff"),
    "hub": N_("the hub"),
    "operator": N_("the operator"),
    "clock": N_("the clock"),
    "server": N_("by itself"),
}


def word_of(code: str) -> str:
    """The code in the language being spoken; one that has no word stays as it is."""
    return _(_WORDS[code]) if code in _WORDS else code
