"""The buttons under a message: the choices of the page that is shown, and the ways out."""

from __future__ import annotations

from typing import Any

from bot.conversation import Nav, Session
from bot.engine.layout import Layout, lay_out, nav_for, ways_out
from bot.flow import Flow
from bot.telegram.tokens import Tokens, version_of

_BACK, _HOME, _NEXT = "0", "00", "99"
Keyboard = dict[str, Any]
NONE: Keyboard = {"inline_keyboard": []}


def nav_of(flow: Flow, session: Session) -> Nav:
    """The words of the ways out, as they stand under what this session shows."""
    return nav_for(session.language or "rw", *ways_out(flow, session))


def keyboard_of(
    session: Session, flow: Flow, layout: Layout, tokens: Tokens, user_id: int, chat_id: int
) -> Keyboard:
    """The keyboard of what `session` shows; each button is good for this screen only."""
    screen, nav = session.screen, nav_of(flow, session)
    if screen is None:
        return NONE
    pages = lay_out(layout, flow, session, screen, session.hint)
    page = pages[min(session.page, len(pages) - 1)]
    first = pages[session.page - 1].seen if session.page else 0
    token_of = tokens.maker(version_of(session), user_id, chat_id)

    def button(label: str, typed: str) -> dict[str, str]:
        return {"text": label, "callback_data": token_of(typed)}

    rows = [
        [button(choice.label, choice.key or str(number))]
        for number, choice in enumerate(screen.choices[: page.seen], 1)
        if number > first
    ]
    ways = [button(label, typed) for label, typed in _ways(session, nav, more=page.more)]
    return {"inline_keyboard": [*rows, ways] if ways else rows}


def _ways(session: Session, nav: Nav, *, more: bool) -> list[tuple[str, str]]:
    """Next, back and home, where they lead anywhere; the last word of a call leads home."""
    ways = [(nav.next, _NEXT)] if more else []
    if session.ended:
        return [*ways, (nav.home, _HOME)]
    if session.page or nav.can_back:
        ways.append((nav.back, _BACK))
    if nav.can_home:
        ways.append((nav.home, _HOME))
    return ways
