"""A hop sent again told from a new one, where the gateway sends only the latest entry.

Nothing on such a wire numbers the hops. What can be told is told by four signs; whatever else comes
is a new answer, and one too many does nothing: no key of a deed is the key that led to it.
"""

from __future__ import annotations

from bot.conversation import Inbound, Latest, Session
from bot.engine.stage import chosen
from bot.history import Marks

# Gateways give up waiting after some 10 s, and may then ask again.
_MOMENT_S = 10.0
_WAYS = frozenset({"0", "00", "99"})


class LatestEntries:
    """Marks hops by their place in the session and by what was typed; no PIN is kept for it."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def is_all_of(self, inbound: Inbound) -> bool:
        """Whether the latest entry is all that this hop tells: no history, and no id of its own."""
        return inbound.history is None and not inbound.hop_id

    def mark(self, inbound: Inbound, session: Session) -> bytes:
        """The mark of this hop as the next one of `session`, the same on every process."""
        said = f"{inbound.kind} {inbound.typed}"
        # A gateway with short ids gives one to another call some day: its hops are others.
        place = f"{session.started_at} {session.hops}" if session.hops else inbound.stamp
        return self._marks.of(inbound.session_key, f"hop {place} {said}")

    def of(self, inbound: Inbound, session: Session, mark: bytes) -> Latest:
        """What is to be kept of this hop, so that the next one can be compared with it."""
        last = session.latest
        tells = last is not None and bool(inbound.stamp) and inbound.stamp != last.stamp
        return Latest(self._entry(inbound), mark, inbound.stamp, tells)

    def came_before(self, inbound: Inbound, session: Session, came_at: float) -> bytes:
        """The mark of the hop that this one repeats, b"" when it is new or nothing tells.

        `came_at` is when it knocked, before it waited for those in front of it.
        """
        last = session.latest
        if last is None:
            return b""
        soon = came_at - last.answered_at <= _MOMENT_S
        if last.entry != self._entry(inbound):
            # A dial of this very call that was held up on its way; else another call with its id.
            late = inbound.kind == "dial" and soon and not _is_over(session)
            first = self.mark(inbound, Session(session.gateway, session.id, session.owner))
            return first if late else b""
        if came_at <= last.answered_at:
            return last.mark  # it came before there was an answer: nobody could answer that yet
        if inbound.kind == "dial":
            return b"" if _is_over(session) else last.mark
        if last.stamp_tells and inbound.stamp == last.stamp:
            return last.mark
        return last.mark if soon and not _may_answer(session, inbound.typed) else b""

    def did(self, inbound: Inbound, after: Session, key: bytes) -> bool:
        """Whether this entry is the PIN that did the deed with `key`, after which stood `after`."""
        last = after.latest
        told = last is not None and last.mark == key == after.secret_mark
        return told and last is not None and last.entry == self._entry(inbound)

    def _entry(self, inbound: Inbound) -> bytes:
        said = f"entry {inbound.kind} {inbound.typed}"
        return self._marks.of(inbound.session_key, said)


def _is_over(session: Session) -> bool:
    return session.ended or session.hung_up


def _may_answer(session: Session, typed: str) -> bool:
    """Whether what was typed once more can be meant for what is shown now."""
    typed, screen = typed.strip(), session.screen
    if session.ended or screen is None:
        return False
    if typed in _WAYS:
        return True
    if screen.asks:
        # With a hint it has just refused that very entry.
        return not session.hint
    return chosen(screen, session.seen, typed) is not None
