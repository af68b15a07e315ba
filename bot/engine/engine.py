"""The only way in: takes an inbound from any channel and answers it, once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from bot.conversation import Inbound, Reply, Session
from bot.engine import replies
from bot.engine.admission import Admission
from bot.engine.arrivals import Arrivals
from bot.engine.budget import Budget
from bot.engine.courtesies import apology, checking, closed_by_staff, out_of_reach, refusal, shed
from bot.engine.hop import Hop, asks_secret
from bot.engine.late import LateWork
from bot.engine.latest import LatestEntries
from bot.engine.layout import Layout
from bot.engine.limits import Limits
from bot.engine.stage import Rest, Stage
from bot.engine.turnstile import Crowded, Turnstile
from bot.engine.watch import NoWatch, Watch
from bot.flow import Flow, Turn
from bot.history import Marks
from bot.market import Market
from bot.storage.hops import SavedHop
from bot.storage.records import RecordsDown
from bot.storage.sessions import Sessions, Visit, pack, unpack_kept


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Refused(Exception):
    """The hop belongs to another number; nothing of it is kept."""


class Engine:
    """Answers hops. The same hop gets the same reply, and has its effect once."""

    def __init__(
        self,
        flows: Mapping[str, Flow],
        market: Market,
        sessions: Sessions,
        marks: Marks,
        limits: Limits,
        watch: Watch | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._market, self._sessions, self._marks = market, sessions, marks
        self._limits, self._clock = limits, clock
        self._watch: Watch = watch or NoWatch()
        self._budget = Budget(limits.hop_budget_s)
        self._stage = Stage(flows, market, self._budget)
        self._arrivals = Arrivals(self._stage, market, sessions, limits, self._watch, self.attend)
        self._late = LateWork(market.records, limits.hop_budget_s)
        self._admission = Admission(limits)
        self._latest = LatestEntries(marks)
        self._turnstile = Turnstile()

    @property
    def hops_in_flight(self) -> int:
        """How many hops are being answered now."""
        return self._admission.in_flight

    @property
    def sessions(self) -> Sessions:
        """Where live conversations are, for what may vanish as they may."""
        return self._sessions

    async def handle(self, inbound: Inbound, layout: Layout) -> Reply:
        """The reply to one hop; never raises for anything a person or a gateway may send."""
        started = time.monotonic()
        key = inbound.session_key
        # Only where the latest entry is all that there is, its moment tells a repeat.
        came_at = self._clock().timestamp() if self._latest.is_all_of(inbound) else 0.0
        admission = self._admission
        if admission.is_full or (admission.is_for_calls and inbound.kind == "dial"):
            return await self._said_before(inbound, key, came_at) or self._crowded(inbound)
        place = admission.in_flight
        admission.in_flight += 1
        try:
            try:
                await self._turnstile.enter(key)
            except Crowded:
                return await self._said_before(inbound, key, came_at) or self._crowded(inbound)
            try:
                reply, session, kind = await self._visit(
                    inbound, key, layout, place, came_at, started
                )
            finally:
                self._turnstile.leave(key)
        finally:
            admission.in_flight -= 1
        self._watch.hop(session, reply, time.monotonic() - started, kind)
        return reply

    def has_answered(self, inbound: Inbound, session: Session) -> bool:
        """Whether this very hop has its reply in `session`: it is given again, nothing moves."""
        mark, _size = self._mark(inbound, inbound.session_key, session)
        return replies.find(session.replies, mark) is not None

    def took_secret(self, inbound: Inbound, session: Session) -> bool:
        """Whether this hop, answered by now, was the answer to a question for a PIN."""
        if not session.secret_mark:
            return False
        mark, _size = self._mark(inbound, inbound.session_key, session)
        return session.secret_mark == mark

    async def hung_up(self, inbound: Inbound) -> None:
        """The gateway says the session is over: noted once, and only for its owner."""
        key = inbound.session_key
        try:
            await self._turnstile.enter(key)
        except Crowded:
            return
        try:
            visit = await self._sessions.enter(key)
            session = unpack_kept(visit.packed)
            if session is None or session.owner != inbound.msisdn or session.hung_up:
                await self._sessions.leave(visit, None)
                return
            session.hung_up = True
            await self._sessions.leave(visit, pack(session))
        finally:
            self._turnstile.leave(key)
        # The notice may overtake the last hop: then the gateway knows what we do not know yet.
        kind = "completed" if session.ended else inbound.typed or "abandoned"
        self._watch.hop(session, Reply("", ends=True), 0.0, kind)

    async def attend(self, key: str, work: Callable[[Session], Awaitable[bool]]) -> bool:
        """Let staff change a call that goes on, between two of its hops.

        `work` gets the session and says whether to keep what it changed. False when it says no, or
        when no such call is under way.
        """
        try:
            await self._turnstile.enter(key)
        except Crowded:
            return False
        try:
            visit = await self._sessions.enter(key)
            session, kept = unpack_kept(visit.packed), b""
            try:
                goes_on = session is not None and not (session.ended or session.hung_up)
                if session is not None and goes_on and await work(session):
                    kept = pack(session)
            finally:
                await self._sessions.leave(visit, kept or None)
            return bool(kept)
        finally:
            self._turnstile.leave(key)

    async def close(self) -> None:
        """Wait for work that outlived its hop."""
        await self._late.close()

    async def _visit(
        self,
        inbound: Inbound,
        key: str,
        layout: Layout,
        place: int,
        came_at: float,
        started: float,
    ) -> tuple[Reply, Session, str]:
        """The hop between coming into its session and leaving it; `place` were there before it.

        It came at `came_at` by everybody's clock, and at `started` by this process's own.
        """
        visit, may_dial = await self._enter(inbound, key)
        kept = None
        try:
            reply, session, kind = await self._handle_alone(
                inbound, key, visit.packed, layout, place, came_at, started, may_dial
            )
            if kind == "new":
                if session.latest is not None:
                    # What comes from now on can be an answer to what is shown.
                    session.latest.answered_at = self._clock().timestamp()
                kept = pack(session)
        finally:
            await self._sessions.leave(visit, kept)
        return reply, session, kind

    async def _enter(self, inbound: Inbound, key: str) -> tuple[Visit, bool | None]:
        """Come into the session; of a dial also whether its number may, in the same round trip."""
        if inbound.kind != "dial" or inbound.history or not self._sessions.is_shared:
            return await self._sessions.enter(key), None
        most = self._limits.dials_per_minute
        return await asyncio.gather(
            self._sessions.enter(key), self._sessions.dialled(inbound.msisdn, key, most)
        )

    async def _handle_alone(
        self,
        inbound: Inbound,
        key: str,
        before: bytes | None,
        layout: Layout,
        place: int,
        came_at: float,
        started: float,
        may_dial: bool | None,
    ) -> tuple[Reply, Session, str]:
        known = unpack_kept(before)
        session = known or _blank(inbound)
        if session.owner != inbound.msisdn:
            return self._refuse(inbound)
        mark, size = self._mark(inbound, key, session)
        if (given := self._given(inbound, session, mark, came_at)) is not None:
            return given, session, "repeat"
        latest = None
        if self._latest.is_all_of(inbound):
            if inbound.kind == "dial":
                # The gateway says that a call begins: its id was another call's before.
                known, before, session = None, None, _blank(inbound)
                mark = self._latest.mark(inbound, session)
            latest = self._latest.of(inbound, session, mark)
        if known is None and (turned_away := self._turn_away(inbound, place, may_dial)) is not None:
            return turned_away, session, "shed"
        turn = Turn(inbound, session, self._market, self._clock(), mark)
        hop = Hop(turn, layout, mark, size, before or b"", latest=latest, came_at=started)
        try:
            answer = self._open(hop) if known is None else self._answer(hop)
            outcome = await self._in_budget(hop, answer)
            reply = (
                outcome
                if isinstance(outcome, Reply)
                else await self._late.wait_for(hop, self._stage, outcome)
            )
        except _Refused:
            return self._refuse(inbound)
        except RecordsDown:
            return self._without_records(hop)
        except Exception as error:  # the one place where a fault of ours becomes an apology
            if known is not None and not self._stage.knows(known):
                # Of another version, as in an upgrade: it goes on from what was typed, or anew.
                return await self._handle_alone(
                    inbound, key, None, layout, place, came_at, started, may_dial
                )
            hop.turn.session = unpack_kept(before) or _blank(inbound)
            self._watch.failed(hop.session, error)
            reply = apology(hop, self._stage, self._market.hub.help_msisdn)
        return reply, hop.session, "new"

    async def _in_budget(self, hop: Hop, answer: Awaitable[Reply | Rest]) -> Reply | Rest:
        """What `answer` comes to; raises `RecordsDown` when the records are that slow.

        It reads, and at most keeps what is shown: to leave it changes nothing of its own. What it
        says is left to do has the rest of the budget for itself. On SQLite a look waits for nobody,
        and the few that write mind their time themselves.
        """
        if not self._limits.records_wait:
            return await answer
        return await self._budget.spend(answer, hop.came_at)

    def _without_records(self, hop: Hop) -> tuple[Reply, Session, str]:
        """What this hop asked for was not done; of a session we do not have, nothing is known."""
        session = unpack_kept(hop.before)
        if session is None or not session.flow:
            return shed(), _blank(hop.inbound), "shed"
        hop.turn.session = session
        if session.checking:
            # What an earlier hop began may be done by now: nobody says that nothing was changed.
            return checking(hop, self._stage), session, "new"
        reply = out_of_reach(hop, self._stage, self._market.hub.help_msisdn)
        return reply, session, "new"

    async def _said_before(self, inbound: Inbound, key: str, came_at: float) -> Reply | None:
        """What a hop that comes again was told. Only looked up: it takes no place of a hop."""
        admission = self._admission
        if admission.looking_up >= admission.dials_max:
            return None
        admission.looking_up += 1
        try:
            session = unpack_kept(await self._sessions.load(key))
        finally:
            admission.looking_up -= 1
        if session is None or session.owner != inbound.msisdn:
            return None
        return self._given(inbound, session, self._mark(inbound, key, session)[0], came_at)

    def _crowded(self, inbound: Inbound) -> Reply:
        """More waits than can be answered in time: nothing is done and nothing is kept of it."""
        reply = shed()
        self._watch.hop(_blank(inbound), reply, 0.0, "shed")
        return reply

    def _refuse(self, inbound: Inbound) -> tuple[Reply, Session, str]:
        self._watch.refused("another number's session", inbound.msisdn, inbound.session_key)
        return refusal(), _blank(inbound), "refused"

    def _mark(self, inbound: Inbound, key: str, session: Session) -> tuple[bytes, int]:
        if inbound.history is not None:
            return self._marks.of(key, inbound.history), len(inbound.history)
        if inbound.hop_id:
            return self._marks.of(key, f"hop {inbound.hop_id}"), 0
        return self._latest.mark(inbound, session), 0

    def _given(
        self, inbound: Inbound, session: Session, mark: bytes, came_at: float
    ) -> Reply | None:
        """The reply that this hop had when it came before, or None for a new one."""
        if self._latest.is_all_of(inbound):
            mark = self._latest.came_before(inbound, session, came_at)
        return replies.find(session.replies, mark) if mark else None

    def _turn_away(self, inbound: Inbound, place: int, may_dial: bool | None) -> Reply | None:
        if self._admission.is_crowded(inbound, place):
            return shed()
        if self._admission.is_too_often(inbound, may_dial):
            self._watch.refused("too many dials", inbound.msisdn, inbound.session_key)
            return shed()
        return None

    async def _answer(self, hop: Hop) -> Reply | Rest:
        session = hop.session
        if session.ended or session.moved_to or not session.started_at:
            # Over, or gone on with elsewhere; or never opened because the records were out of reach
            # at its first hop.
            flow = hop.inbound.typed if hop.inbound.kind == "goto" else ""
            return await self._arrivals.dial_again(hop, flow)
        hop.secret = asks_secret(session)
        if session.number and not hop.inbound.from_phone:
            # A chat's conversation outlives what is remembered of its beginning.
            await self._sessions.began(session.owner, session.key)
        if session.adrift:
            await self._arrivals.recognise(hop, session)
        new = self._new_entry(hop.inbound, session)
        if new is not None and "*" in new:
            # More than one entry at once: the store may have lost what was committed meanwhile.
            past = await self._committed(hop.inbound)
            if past is not None and past.size > session.history_size:
                return await self._go_on_from(hop, past)
        return await self._take(hop, new)

    async def _open(self, hop: Hop) -> Reply | Rest:
        """A session we do not have: new, dialled as a long code, or lost with its store."""
        inbound = hop.inbound
        history = inbound.history or ""
        if history and (past := await self._committed(inbound)) is not None:
            return await self._go_on_from(hop, past)
        if inbound.hop_id and (done := await self._arrivals.done(hop.mark)) is not None:
            # It had its effect before its session was lost.
            if done.session.owner != inbound.msisdn:
                raise _Refused
            hop.turn.session = done.session
            hop.session.checking = b""
            return done.reply
        if (again := await self._done_before(inbound, hop.turn.now)) is not None:
            hop.turn.session = again.session
            hop.session.checking = b""
            return again.reply
        hop.turn.session = await self._arrivals.new_session(hop)
        dialled = inbound.typed if inbound.kind == "dial" else inbound.tail
        entries = (history or dialled).split("*")
        if inbound.kind == "goto" and inbound.typed:
            return await self._arrivals.go_to(hop, inbound.typed)
        if entries == [""]:
            return await self._arrivals.dial(hop)
        return await self._arrivals.replay(hop, entries)

    async def _committed(self, inbound: Inbound) -> SavedHop | None:
        """The last hop of this session that was committed and that its history goes on from."""
        history = inbound.history or ""
        for past in await self._arrivals.committed(inbound):
            if past.session.owner != inbound.msisdn:
                raise _Refused
            if past.key == self._marks.of(inbound.session_key, history[: past.size]):
                return past
        return None

    async def _done_before(self, inbound: Inbound, now: datetime) -> SavedHop | None:
        """The deed that this entry did before its session was lost, where that can be told."""
        if inbound.kind != "input" or not self._latest.is_all_of(inbound):
            return None
        since = now.timestamp() - self._limits.call_s
        try:
            committed = await self._arrivals.committed(inbound)
        except RecordsDown:
            return None  # a new call then, in which nothing is done without the records either
        for past in committed:
            mine = past.session.owner == inbound.msisdn and past.session.seen_at >= since
            if mine and self._latest.did(inbound, past.session, past.key):
                return past
        return None

    async def _go_on_from(self, hop: Hop, past: SavedHop) -> Reply | Rest:
        hop.turn.session, hop.secret = past.session, asks_secret(past.session)
        hop.before = pack(past.session)
        if past.size == len(hop.inbound.history or ""):
            return past.reply
        if past.session.checking:
            # It came late: the person was told that we check, and answers that.
            past.session.checking = b""
            return self._stage.show_again(hop)
        if past.session.ended:
            return await self._arrivals.dial_again(hop)
        return await self._take(hop, self._new_entry(hop.inbound, past.session))

    async def _take(self, hop: Hop, new: str | None) -> Reply | Rest:
        """Take what is new in this hop as the answer to the screen last shown."""
        if new is None:
            # An older hop, or one that does not follow: what was last shown still holds.
            hop.stale = True
            return self._stage.show_again(hop)
        hop.typed = new
        if hop.session.checking:
            return await self._late.collect(hop, self._stage)
        if hop.session.closing:
            return closed_by_staff(hop, self._stage, self._market.hub.help_msisdn)
        if hop.inbound.kind == "goto":
            return await self._stage.go_to(hop, new)
        return await self._stage.answer(hop)

    def _new_entry(self, inbound: Inbound, session: Session) -> str | None:
        if inbound.history is None:
            return inbound.typed
        return self._marks.new_in(
            inbound.session_key, inbound.history, session.history_size, session.history_mark
        )


def _blank(inbound: Inbound) -> Session:
    """A session of which nothing is known but whose it is."""
    return Session(inbound.gateway, inbound.session_id, inbound.msisdn)
