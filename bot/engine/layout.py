"""How a channel lays out a screen; the engine knows no channel by name."""

from __future__ import annotations

from functools import cache
from typing import Protocol

from bot.conversation import Language, Nav, Page, Screen, Session
from bot.flow import Flow
from bot.i18n import _, speaking


class Layout(Protocol):
    """Turns a screen into the pages its channel can show."""

    def pages(self, screen: Screen, nav: Nav, hint: str = "") -> tuple[Page, ...]:
        """The pages, first to last; never empty. `hint` goes before the screen's text."""
        ...


@cache
def nav_for(language: Language, can_back: bool, can_home: bool) -> Nav:
    """The navigation words in `language`, for a screen with these ways out."""
    with speaking(language):
        return Nav(_("Next"), _("Back"), _("Home"), can_back, can_home)


def ways_out(flow: Flow, session: Session) -> tuple[bool, bool]:
    """Whether `0` leads anywhere from here, and whether `00` leads elsewhere than `0`."""
    deeper = flow.leads("back", session.state)
    can_back = deeper or bool(session.stack)
    return can_back, deeper or len(session.stack) > 1


def lay_out(
    layout: Layout, flow: Flow, session: Session, screen: Screen, hint: str = ""
) -> tuple[Page, ...]:
    """The pages of `screen` as shown in this session.

    `00` works everywhere; its line is left out where it alone would cost a second page.
    """
    language = session.language or "rw"
    can_back, can_home = ways_out(flow, session)
    pages = layout.pages(screen, nav_for(language, can_back, can_home), hint)
    if can_home and len(pages) > 1:
        shorter = layout.pages(screen, nav_for(language, can_back, False), hint)
        if len(shorter) == 1:
            return shorter
    return pages
