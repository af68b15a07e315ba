"""One hop while it is being answered: what came, what is kept of it, and its reply."""

from __future__ import annotations

import re
import time

import msgspec
from msgspec.structs import replace

from bot.conversation import Inbound, Latest, Reply, Screen, Session
from bot.engine import replies
from bot.engine.layout import Layout, lay_out
from bot.flow import Flow, Turn
from bot.pins_in_texts import CUT, without_pins

_TRAIL_MAX = 48
_TYPED_MAX = 160
# Four to six digits where no number is asked may be a PIN typed by habit.
_PIN_MIN = 4
_LIKE_A_PIN = re.compile(r"[0-9]{4,6}")


class Hop(msgspec.Struct):
    """One hop: its turn, the channel's layout, and the marks under which it is known."""

    turn: Turn
    layout: Layout
    mark: bytes
    size: int
    # The session as it stood when the hop came, packed.
    before: bytes
    typed: str = ""
    # Whether the screen that this hop answers asked for a PIN.
    secret: bool = False
    # Whether what was typed names other people, of whom some may not have agreed to be known.
    others: bool = False
    noted: bool = False
    # What the next hop is compared with, where no history and no id tells it from this one.
    latest: Latest | None = None
    # Whether it came out of its turn: it is answered, but the history does not go back to it.
    stale: bool = False
    # When it came, by this process's own clock: before it waited for those in front of it.
    came_at: float = msgspec.field(default_factory=time.monotonic)
    # Whether this is work that goes on by itself: nobody ends it when the hop's time is over.
    is_late: bool = False

    @property
    def session(self) -> Session:
        """The session as this hop is changing it."""
        return self.turn.session

    @property
    def inbound(self) -> Inbound:
        """What the person sent."""
        return self.turn.inbound


def present(hop: Hop, flow: Flow, screen: Screen, hint: str = "", page: int = 0) -> Reply:
    """Lay out `screen` as the answer to `hop`, and remember it as what the person saw."""
    session = hop.session
    if session.line and not page:
        screen, hint = _with_line(session, screen, hint)
    pages = lay_out(hop.layout, flow, session, screen, hint)
    page = min(page, len(pages) - 1)
    shown = pages[page]
    session.screen, session.page, session.seen, session.hint = screen, page, shown.seen, hint
    return Reply(shown.text, screen.ends and not shown.more)


def _with_line(session: Session, screen: Screen, hint: str) -> tuple[Screen, str]:
    """What staff want the person to read, first: before a hint, or else before the text."""
    line, session.line = session.line, ""
    if hint:
        return screen, f"{line}\n{hint}"
    # A hint may cost a text that was just read; this one may be new to the person.
    return replace(screen, text="\n".join(filter(None, (line, screen.text)))), ""


def note(hop: Hop, reply: Reply) -> None:
    """Write the hop into its session, once: its reply, how far the history is known, the trail."""
    if hop.noted:
        return
    session = hop.session
    hop.noted = True
    session.replies = replies.added(session.replies, hop.mark, reply)
    if hop.secret:
        session.secret_mark = hop.mark
    if hop.stale:
        return
    session.hops += 1
    session.seen_at = hop.turn.now.timestamp()
    session.history_mark, session.history_size = hop.mark, hop.size
    session.latest = hop.latest
    session.trail.append(redacted(hop.typed, hop.secret or hop.others))
    session.ended = reply.ends
    if len(session.trail) > _TRAIL_MAX:
        del session.trail[0]


def redacted(typed: str, secret: bool) -> str:
    """What was typed, with anything that is or looks like a PIN cut out; of a secret, all."""
    if secret and typed not in {"0", "00", "99"}:
        return CUT
    # PostgreSQL keeps no NUL. What is cut out leaves more than it was, so the end is cut last.
    typed = typed.replace("\x00", "")
    if len(typed) < _PIN_MIN:
        return typed
    # In a text the digits of a PIN may stand apart.
    return _LIKE_A_PIN.sub(CUT, without_pins(typed) if " " in typed else typed)[:_TYPED_MAX]


def asks_secret(session: Session) -> bool:
    """Whether the screen last shown asks for a PIN."""
    return session.screen is not None and session.screen.asks == "pin"
