"""What a person types in a chat, as the flows understand it: the digits a phone would have sent."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.conversation import Choice, Nav, Screen

_SPACES = re.compile(r"\s+")
_END = ".!?…"
# Marks and spaces that a keyboard adds and nobody sees.
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u2060\ufeff"))
_YES = frozenset({"yego", "oui", "yes", "ok"})
_NO = frozenset({"oya", "non", "no"})
_BACK, _HOME, _NEXT = "0", "00", "99"


def read_typed(text: str, screen: Screen | None, seen: int, nav: Nav) -> str:
    """What `text` is an answer of; what means nothing here comes back as it was typed.

    Of the choices those before `seen` count. A question for a text or a PIN takes all as it is.
    """
    text = text.translate(_UNSEEN).strip()
    if screen is None or text.isdecimal() or screen.asks in ("text", "pin"):
        return text
    plain = _plain(text)
    for label, value in ((nav.back, _BACK), (nav.home, _HOME), (nav.next, _NEXT)):
        if plain == _plain(label):
            return value
    if screen.asks:
        # With its unit: only the flow knows whether kilos, packs or francs were asked for.
        return text
    return _of_choices(plain, screen.choices[:seen]) or text


def _of_choices(plain: str, choices: list[Choice]) -> str:
    """The key of the one choice that is named, "" when it is none, or more than one."""
    if named := _the_one(choices, lambda label: label == plain):
        return named
    yes = _the_one(choices, lambda label: _first_word(label) in _YES)
    if plain in _YES:
        return yes
    if plain in _NO:
        # Where there is only a yes to say, no is the way back, which does nothing.
        no = _the_one(choices, lambda label: _first_word(label) in _NO)
        return no or (_BACK if yes else "")
    return ""


def _the_one(choices: list[Choice], fits: Callable[[str], bool]) -> str:
    keys = [choice.key or str(number) for number, choice in enumerate(choices, 1)]
    found = [place for place, choice in enumerate(choices) if fits(_plain(choice.label))]
    # A key of its own may be the number of a later line: pressed, it is the first that has it.
    alone = len(found) == 1 and keys.index(keys[found[0]]) == found[0]
    return keys[found[0]] if alone else ""


def _first_word(label: str) -> str:
    return re.split(r"[\s,;:]", label, maxsplit=1)[0]


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text).strip(f" {_END}").casefold()
