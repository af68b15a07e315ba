"""The commands: each leads home, or from there into a flow, which knows nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HOME = ""
STOP = "stop"
START = "start"
AGENT = "agent"
CONTINUE = "continue"

# command: the flow it begins, as its line on the menu does.
LEADS_TO: Mapping[str, str] = MappingProxyType(
    {
        START: HOME,
        "menu": HOME,
        "prices": "prices",
        "orders": "orders",
        "language": "language",
        "help": "help",
    }
)


# What people write who want to be left alone: in English and French, and in Kinyarwanda.
_STOPS = frozenset({"stop", "arreter", "arrêter", "arrêtez", "hagarika", "guhagarika"})


def read_command(text: str) -> tuple[str, str] | None:
    """The command in a message, in small letters, and what stands after it; None without one.

    "/prices@isoko_bot" is "/prices": Telegram adds the name by itself. A plain "stop" or
    "hagarika" is "/stop", whatever was asked: it must be as easy as to begin.
    """
    if text.strip(" .!\n").lower() in _STOPS:
        return STOP, ""
    if not text.startswith("/"):
        return None
    name, _, rest = text[1:].partition(" ")
    return name.partition("@")[0].strip().lower(), rest.strip()
