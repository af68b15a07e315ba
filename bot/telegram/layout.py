"""The layout of a screen in a chat: a text, and buttons that carry the choices."""

from __future__ import annotations

from bot.conversation import Nav, Page, Screen

BUTTONS_MAX = 8
TEXT_MAX = 4096


class ChatLayout:
    """Messages of at most 4096 signs with at most eight choices each."""

    def pages(self, screen: Screen, nav: Nav, hint: str = "") -> tuple[Page, ...]:
        """One message for every eight choices; each says the whole text."""
        said = [line for line in (hint, screen.text, screen.keep) if line]
        text = "\n".join(said)[:TEXT_MAX]
        most = len(screen.choices)
        ends = [*range(BUTTONS_MAX, most, BUTTONS_MAX), most]
        return tuple(Page(text, seen, seen < most) for seen in ends)
