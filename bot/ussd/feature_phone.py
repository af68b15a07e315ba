"""The layout of a USSD screen: numbered lines in pages of so many septets."""

from __future__ import annotations

from functools import lru_cache

from bot.conversation import Choice, Nav, Page, Screen
from bot.ussd.paging import lay_out

# Most hops show a menu that others have seen: it is laid out once (20 us), then looked up.
_KEPT = 4096


class FeaturePhone:
    """Pages for phones that show `septets_max` septets at a time."""

    def __init__(self, septets_max: int) -> None:
        self._septets_max = septets_max
        self._lay_out_once = lru_cache(_KEPT)(self._lay_out)

    def pages(self, screen: Screen, nav: Nav, hint: str = "") -> tuple[Page, ...]:
        """The pages that fit a feature phone."""
        lines = tuple([(choice.key, choice.label) for choice in screen.choices])
        return self._lay_out_once(screen.text, lines, screen.keep, screen.ends, nav, hint)

    def _lay_out(
        self,
        text: str,
        lines: tuple[tuple[str, str], ...],
        keep: str,
        ends: bool,
        nav: Nav,
        hint: str,
    ) -> tuple[Page, ...]:
        choices = [Choice(label, key=key) for key, label in lines]
        screen = Screen(text, choices, ends=ends, keep=keep)
        return tuple(lay_out(screen, nav, self._septets_max, hint))
