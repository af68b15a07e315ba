"""The engine's watch in a running server: figures, transcripts, security events, faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, Counter

from bot.conversation import Reply, Session
from bot.faults import new_request_id
from bot.msisdn import masked
from bot.operations.figures import HopFigures
from bot.operations.session_news import ENDED, STARTED
from bot.operations.wrong_secrets import WrongSecrets
from bot.pins_in_texts import CUT
from bot.storage.call_days import CallDays
from bot.storage.transcripts import Transcripts

log = structlog.get_logger(__name__)


_KEY_MAX = 2


class Watching:
    """Counts every hop and keeps its transcript; costs a few microseconds."""

    def __init__(
        self,
        registry: CollectorRegistry,
        transcripts: Transcripts,
        call_days: CallDays,
        tell: Callable[[str, Session], None] | None = None,
    ) -> None:
        """`tell` is for who wants to hear of beginnings and ends."""
        self._tell = tell
        self._transcripts = transcripts
        self.came = call_days.add
        figures = self.figures = HopFigures()
        registry.register(figures)
        self._count, self._call = figures.count, figures.call
        self._refused = Counter(
            "isoko_refused", "Requests refused for safety.", ["what"], registry=registry
        )
        self.wrong_secrets = WrongSecrets()
        self._faults = Counter("isoko_faults", "Our own faults.", ["place"], registry=registry)

    def hop(self, session: Session, reply: Reply, seconds: float, kind: str) -> None:
        """Count the hop; keep what was said in it, unless it was said before."""
        self._count(kind, seconds)
        if session.hops == 1 and kind == "new":
            self._call(session.network)
            if self._tell is not None:
                self._tell(STARTED, session)
        if reply.ends and kind != "repeat" and session.flow and self._tell is not None:
            self._tell(ENDED, session)
        if kind == "repeat" or not session.flow:
            return
        self._write(session, reply, seconds, _typed(session))

    def left(self, session: Session) -> None:
        """Write the end of a call that was left, which is no hop."""
        if session.flow:
            self._write(session, Reply("", ends=True), 0.0, "")
            if self._tell is not None:
                self._tell(ENDED, session)

    def _write(self, session: Session, reply: Reply, seconds: float, typed: str) -> None:
        self._transcripts.add(
            (
                session.key,
                session.hops,
                # Who has not agreed to be known is not written down. An account without a number
                # stands in the session's key already; by this it is found when it is forgotten.
                session.owner if session.contact_id or not session.number else "",
                f"{session.flow}.{session.state}",
                typed,
                _shown(session, reply),
                int(seconds * 1e6),
                int(time.time() * 1000),
                int(reply.ends),
                session.language or "",
            )
        )

    def faults(self) -> int:
        """How many faults of ours there were, since the process began."""
        counted = next(iter(self._faults.collect())).samples
        return int(sum(one.value for one in counted if one.name.endswith("_total")))

    def refused(self, what: str, msisdn: str, session_key: str) -> None:
        """A safety event: counted, logged with the number masked, written to the audit."""
        self._refused.labels(what).inc()
        log.warning("refused", what=what, msisdn=masked(msisdn), session=session_key)
        self._transcripts.event(
            datetime.now(UTC), "server", "refused", session_key, what=what, msisdn=masked(msisdn)
        )

    def door_refused(self, gateway: str, status: int) -> None:
        """A request that did not get past the door."""
        self._refused.labels(f"{gateway} {status}").inc()

    def dashboard_refused(self, why: str) -> None:
        """A stranger was refused at the dashboard."""
        self._refused.labels(f"dashboard {why}").inc()

    def failed(self, session: Session, error: BaseException) -> None:
        """Our fault, with the trail that plays it again; secrets are not in the trail."""
        place = f"{session.flow}.{session.state}"
        self._faults.labels(place).inc()
        log.error(
            "hop failed",
            request_id=new_request_id(),
            place=place,
            session=session.key,
            msisdn=masked(session.owner),
            trail="*".join(session.trail),
            exc_info=error,
        )


def _shown(session: Session, reply: Reply) -> str:
    """What was shown; of a screen that names other people only that there was one."""
    of_others = session.screen is not None and session.screen.of_others
    return CUT if of_others and reply.text else reply.text


def _typed(session: Session) -> str:
    """What was typed; of who has not agreed to be known only menu keys, not what may be a name."""
    typed = session.trail[-1] if session.trail else ""
    is_key = len(typed) <= _KEY_MAX and typed.isdecimal()
    return typed if session.contact_id or is_key else ""
