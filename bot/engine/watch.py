"""What the engine tells others about its hops: transcripts, security events, counts."""

from __future__ import annotations

from typing import Protocol

from bot.conversation import Reply, Session


class Watch(Protocol):
    """Sees every hop; it must be quick, wait for nothing and raise nothing."""

    def hop(self, session: Session, reply: Reply, seconds: float, kind: str) -> None:
        """A hop was answered. `kind`: new, repeat, shed, refused, completed, abandoned."""
        ...

    def refused(self, what: str, msisdn: str, session_key: str) -> None:
        """Something was refused for safety: another number's session, a flood."""
        ...

    def came(self, contact_id: int, day: int) -> None:
        """This person called on this day, for the first time as far as the records know."""
        ...

    def left(self, session: Session) -> None:
        """This call was left: its phone dials anew."""
        ...

    def failed(self, session: Session, error: BaseException) -> None:
        """Our own fault: everything needed to play the hop again."""
        ...


class NoWatch:
    """Sees nothing."""

    def hop(self, session: Session, reply: Reply, seconds: float, kind: str) -> None:
        """Do nothing."""

    def refused(self, what: str, msisdn: str, session_key: str) -> None:
        """Do nothing."""

    def came(self, contact_id: int, day: int) -> None:
        """Do nothing."""

    def left(self, session: Session) -> None:
        """Do nothing."""

    def failed(self, session: Session, error: BaseException) -> None:
        """Do nothing."""
