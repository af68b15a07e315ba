"""What a number left open, in a call or in a chat: found, offered on a card, and gone on with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.conversation import Session
from bot.engine.limits import Limits
from bot.engine.stage import HOME, Stage
from bot.storage.sessions import Sessions, unpack_kept

RESUME = "resume"
# The note under which the card keeps what was left open.
_LEFT = "left"

# Changes a conversation between two of its hops, as `Engine.attend` does.
Attend = Callable[[str, Callable[[Session], Awaitable[bool]]], Awaitable[bool]]


class LeftOpen:
    """Looks among the conversations of one number, whichever gateway or chat they came by."""

    def __init__(self, stage: Stage, sessions: Sessions, limits: Limits, attend: Attend) -> None:
        self._stage, self._sessions = stage, sessions
        self._limits, self._attend = limits, attend

    async def before(self, session: Session) -> list[Session]:
        """This number's other conversations, the last first; `session` is remembered now.

        There is one at most for each gateway.
        """
        keys = await self._sessions.began(session.owner, session.key)
        found = [await self._load(key) for key in keys]
        own = [one for one in found if one is not None and one.owner == session.owner]
        return sorted(own, key=lambda one: one.seen_at, reverse=True)

    async def find(self, session: Session, before: list[Session], now: float) -> Session | None:
        """What is still to be gone on with of those `before`; None when nothing is.

        What was offered once is not offered again, but by a call that was cut off at its card.
        """
        offered = {session.offered, *(one.offered for one in before if _same_way(one, session))}
        for last in before:
            at_card = last.flow == HOME and last.state == RESUME
            left = await self._named_by(last) if at_card else last
            if (left := self._open(session, left, now)) is None:
                continue
            if (at_card and _same_way(last, session)) or _which(left) not in offered:
                return left
        return None

    def _open(self, session: Session, left: Session | None, now: float) -> Session | None:
        if left is None or left.owner != session.owner or left.key == session.key:
            return None
        if left.ended or left.moved_to or left.screen is None:
            return None
        another = left.contact_id and left.contact_id != session.contact_id
        # The call of who had this number before is nobody's to go on with.
        if (another and not session.adrift) or not self._stage.knows(left):
            return None
        recent = now - left.seen_at <= self._limits.resume_s
        return left if recent and left.screen.resume else None

    def offer(self, session: Session, left: Session, now: float) -> None:
        """Stand at the card that names what was left open."""
        session.language = session.language or left.language
        session.state, session.offered = RESUME, _which(left)
        # Without the records nobody knows whether this phone is shared.
        unnamed = session.shared or session.adrift or left.screen is None
        session.notes[_LEFT] = {
            "line": "" if unnamed or left.screen is None else left.screen.resume,
            "shared": session.shared,
            "key": left.key,
            "why": self._how_it_ended(session, left, now),
        }

    async def take_over(self, session: Session) -> Session | None:
        """What the card of `session` names; None when it is gone.

        In another channel nothing more is done from then on: a button that still stands in the
        chat would do again what the phone has done since.
        """
        left = await self._named_by(session)
        if left is None or _same_way(left, session) or (left.hung_up and not left.moved_to):
            return self._still(session, left)
        taken: list[Session] = []

        async def move(there: Session) -> bool:
            # The press that moves it may come again: its answer was lost.
            if there.moved_to not in ("", session.key):
                return False
            there.moved_to = session.key
            taken.append(there)
            return True

        await self._attend(left.key, move)
        return self._still(session, taken[0] if taken else None)

    def _still(self, session: Session, left: Session | None) -> Session | None:
        """`left`, when it is this number's and this version has its places."""
        own = left is not None and left.owner == session.owner
        return left if left is not None and own and self._stage.knows(left) else None

    def _how_it_ended(self, session: Session, left: Session, now: float) -> str:
        """ "ended" where the gateway said so, else "lost", or "expired" after a network's time.

        What was left in another channel may go on there: "elsewhere".
        """
        if left.hung_up:
            return "ended"
        if not _same_way(left, session):
            return "elsewhere"
        return "lost" if now - left.seen_at < self._limits.call_s else "expired"

    async def _named_by(self, card: Session) -> Session | None:
        return await self._load(card.notes.get(_LEFT, {}).get("key", ""))

    async def _load(self, key: str) -> Session | None:
        return unpack_kept(await self._sessions.load(key))


def _which(left: Session) -> str:
    """Of which conversation, and how far it was then."""
    return f"{left.key} {left.hops}"


def _same_way(one: Session, other: Session) -> bool:
    """Whether both came by the same gateway, or the same chats."""
    return one.gateway == other.gateway
