"""Tells the hub that a call or a chat began or ended: in lots, off the reply's path, of nobody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

import structlog
from sqlalchemy import Connection

from bot.conversation import Session
from bot.market import hub_news, subscriptions
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import one_round

log = structlog.get_logger(__name__)

STARTED, ENDED = "session.started", "session.ended"
_WAITING_MAX, _AT_ONCE = 10_000, 200


@dataclass(frozen=True, slots=True)
class _Moment:
    """One beginning or end, as the hop saw it."""

    kind: str
    session_key: str
    started_at: float
    gateway: str
    language: str
    hops: int
    at: datetime


class SessionNews:
    """Collects beginnings and ends, and writes them every `every_s` seconds.

    What a crash takes with it is at most that long: they are news, and no part of the books.
    """

    def __init__(self, records: Records, secret: str, every_s: float = 1.0) -> None:
        self._records, self._key, self._every_s = records, secret.encode()[:64], every_s
        self._waiting: list[_Moment] = []

    def add(self, kind: str, session: Session) -> None:
        """A session has begun or ended; dropped when too many wait."""
        if len(self._waiting) >= _WAITING_MAX:
            return
        moment = _Moment(
            kind,
            session.key,
            session.started_at,
            session.gateway,
            session.language or "",
            session.hops,
            datetime.now(UTC),
        )
        self._waiting.append(moment)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await one_round("session news", self.flush)

    async def flush(self) -> None:
        """Write what waits now, if anybody wants it. Raises `RecordsDown`, and then it waits."""
        if not self._waiting:
            return
        now = datetime.now(UTC)
        receivers = await self._records.read(lambda db: subscriptions.all_of_them(db, now))
        if not any(one.wants(kind) for one in receivers for kind in (STARTED, ENDED)):
            self._waiting.clear()
            return
        while self._waiting:
            lot, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            try:
                await self._records.write(lambda db: self._write(db, lot))  # noqa: B023  run before the next turn
            except RecordsDown:
                self._waiting[:0] = lot
                raise

    def _write(self, db: Connection, lot: list[_Moment]) -> None:
        for one in lot:
            # A digest from which nobody can be found; made here, where somebody wants it. A chat
            # keeps its key, and a gateway may give one again: the beginning tells two apart.
            key = f"{one.session_key} {one.started_at}".encode()
            session = blake2b(key, digest_size=8, key=self._key).hexdigest()
            data: dict[str, str | int] = {
                "session": session,
                "gateway": one.gateway,
                "language": one.language,
            }
            if one.kind == ENDED:
                data["hops"] = one.hops
            hub_news.tell(db, one.kind, f"s{session[:11]}", session, data, one.at)
