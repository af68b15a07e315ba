"""The engine's watch in a running server: figures, transcripts, security events, faults."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from bot.conversation import Reply, Session
from bot.msisdn import masked
from bot.storage.transcripts import Transcripts

log = structlog.get_logger(__name__)

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)


class Watching:
    """Counts every hop and keeps its transcript; costs a few microseconds."""

    def __init__(self, registry: CollectorRegistry, transcripts: Transcripts) -> None:
        self._transcripts = transcripts
        hops = Counter("isoko_hops", "Hops answered.", ["kind"], registry=registry)
        kinds = ("new", "repeat", "shed", "refused", "completed", "abandoned")
        self._count = {kind: hops.labels(kind).inc for kind in kinds}
        self._seconds = Histogram(
            "isoko_hop_seconds", "Time to answer a hop.", buckets=_BUCKETS, registry=registry
        ).observe
        self._refused = Counter(
            "isoko_refused", "Requests refused for safety.", ["what"], registry=registry
        )
        self._faults = Counter("isoko_faults", "Our own faults.", ["place"], registry=registry)

    def hop(self, session: Session, typed: str, reply: Reply, seconds: float, kind: str) -> None:
        """Count the hop; keep what was said in it, unless it was said before."""
        self._count[kind]()
        self._seconds(seconds)
        if kind == "repeat" or not session.flow:
            return
        self._transcripts.add(
            (
                session.key,
                session.hops,
                session.owner,
                f"{session.flow}.{session.state}",
                typed,
                reply.text,
                int(seconds * 1e6),
                int(time.time() * 1000),
            )
        )

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

    def failed(self, session: Session, error: BaseException) -> None:
        """Our fault, with the trail that plays it again; secrets are not in the trail."""
        place = f"{session.flow}.{session.state}"
        self._faults.labels(place).inc()
        log.error(
            "hop failed",
            place=place,
            session=session.key,
            msisdn=masked(session.owner),
            trail="*".join(session.trail),
            exc_info=error,
        )
