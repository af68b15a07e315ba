"""The layout of a screen in a chat: a text, and buttons that carry the choices."""

from __future__ import annotations

from functools import lru_cache

from bot.conversation import Nav, Page, Screen

BUTTONS_MAX = 8
TEXT_MAX = 4096


class ChatLayout:
    """Messages of at most 4096 signs, with room for `more` and for eight choices or a last nine."""

    def pages(self, screen: Screen, nav: Nav, hint: str = "") -> tuple[Page, ...]:
        """One message for every eight choices; each says the last of the text."""
        said = "\n".join([line for line in (hint, screen.text, screen.keep, screen.more) if line])
        return _pages(said, len(screen.choices))


# Each screen is laid out for its message and again for its buttons.
@lru_cache(256)
def _pages(said: str, most: int) -> tuple[Page, ...]:
    *before, last = _parts(said)
    # A "Next" that leads to one choice alone would take as much room as that choice.
    ends = [*range(BUTTONS_MAX, most - 1, BUTTONS_MAX), most]
    texts = [Page(text, 0, True) for text in before]
    return (*texts, *(Page(last, seen, seen < most) for seen in ends))


def _parts(text: str) -> list[str]:
    """The text in parts that a message holds, broken at lines, then at spaces."""
    parts = []
    while size_of(text) > TEXT_MAX:
        end = TEXT_MAX
        while size_of(text[:end]) > TEXT_MAX:
            end -= 1
        found = max(text.rfind("\n", 1, end), 0) or max(text.rfind(" ", 1, end), 0)
        end = found or end
        parts.append(text[:end])
        text = text[end:].lstrip("\n ") if found else text[end:]
    return [*parts, text]


def size_of(text: str) -> int:
    """How long Telegram takes a text to be: in units of UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
