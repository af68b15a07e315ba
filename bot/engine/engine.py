"""The only way in: takes an inbound from any channel and answers it, once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from bot.conversation import Inbound, Reply, Session
from bot.engine import replies
from bot.engine.arrivals import Arrivals
from bot.engine.courtesies import apology, closed_by_staff, out_of_reach, refusal, shed
from bot.engine.hop import Hop, asks_secret
from bot.engine.late import LateWork
from bot.engine.layout import Layout
from bot.engine.limits import DialLimit, Limits
from bot.engine.stage import Rest, Stage
from bot.engine.turnstile import Crowded, Turnstile
from bot.engine.watch import NoWatch, Watch
from bot.flow import Flow, Turn
from bot.history import Marks
from bot.market import Market
from bot.storage.hops import SavedHop
from bot.storage.records import RecordsDown
from bot.storage.sessions import Sessions, pack, unpack_kept

# A call has some six hops in the time in which a number may dial once.
_LOST_HOPS_TIMES = 6
_UNDER_WAY_TIMES = 2
# Past so many times the limit of new dials even calls under way are asked to come again later.
_ALL_TIMES = 4


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
        self._stage = Stage(flows, market)
        self._arrivals = Arrivals(self._stage, market, sessions, limits, self._watch)
        self._late = LateWork(market.records, limits.hop_budget_s)
        self._dials = DialLimit(limits.dials_per_minute)
        self._lost = DialLimit(limits.dials_per_minute * _LOST_HOPS_TIMES)
        self._turnstile = Turnstile()
        # Half of all places are kept for calls under way: no flood of dials takes those.
        self._dials_max = limits.hops_in_flight_max * _UNDER_WAY_TIMES
        self._hops_max = limits.hops_in_flight_max * _ALL_TIMES
        self._in_flight = 0

    @property
    def hops_in_flight(self) -> int:
        """How many hops are being answered now."""
        return self._in_flight

    async def handle(self, inbound: Inbound, layout: Layout) -> Reply:
        """The reply to one hop; never raises for anything a person or a gateway may send."""
        started = time.perf_counter()
        key = inbound.session_key
        if self._in_flight > self._dials_max and (
            inbound.kind == "dial" or self._in_flight > self._hops_max
        ):
            return self._crowded(inbound)
        place = self._in_flight
        self._in_flight += 1
        try:
            try:
                await self._turnstile.enter(key)
            except Crowded:
                return self._crowded(inbound)
            try:
                reply, session, kind = await self._visit(inbound, key, layout, place)
            finally:
                self._turnstile.leave(key)
        finally:
            self._in_flight -= 1
        self._watch.hop(session, reply, time.perf_counter() - started, kind)
        return reply

    def has_answered(self, inbound: Inbound, session: Session) -> bool:
        """Whether this very hop has its reply in `session`: it is given again, nothing moves."""
        mark, _size = self._mark(inbound, inbound.session_key, session)
        return replies.find(session.replies, mark) is not None

    def took_secret(self, inbound: Inbound, session: Session) -> bool:
        """Whether this hop, answered by now, was the answer to a question for a PIN."""
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
        self, inbound: Inbound, key: str, layout: Layout, place: int
    ) -> tuple[Reply, Session, str]:
        """The hop between coming into its session and leaving it; `place` were there before it."""
        visit = await self._sessions.enter(key)
        kept = None
        try:
            reply, session, kind = await self._handle_alone(
                inbound, key, visit.packed, layout, place
            )
            if kind == "new":
                kept = pack(session)
        finally:
            await self._sessions.leave(visit, kept)
        return reply, session, kind

    async def _handle_alone(
        self, inbound: Inbound, key: str, before: bytes | None, layout: Layout, place: int
    ) -> tuple[Reply, Session, str]:
        known = unpack_kept(before)
        session = known or _blank(inbound)
        if session.owner != inbound.msisdn:
            return self._refuse(inbound)
        mark, size = self._mark(inbound, key, session)
        if (given := replies.find(session.replies, mark)) is not None:
            return given, session, "repeat"
        if known is None and (turned_away := self._turn_away(inbound, place)) is not None:
            return turned_away, session, "shed"
        turn = Turn(inbound, session, self._market, self._clock(), mark)
        hop = Hop(turn, layout, mark, size, before or b"")
        try:
            reply = await (self._open(hop) if known is None else self._answer(hop))
        except _Refused:
            return self._refuse(inbound)
        except RecordsDown:
            return self._without_records(hop)
        except Exception as error:  # the one place where a fault of ours becomes an apology
            if known is not None and not self._stage.knows(known):
                # Of another version, as in an upgrade: it goes on from what was typed, or anew.
                return await self._handle_alone(inbound, key, None, layout, place)
            hop.turn.session = unpack_kept(before) or _blank(inbound)
            self._watch.failed(hop.session, error)
            reply = apology(hop, self._stage, self._market.hub.help_msisdn)
        return reply, hop.session, "new"

    def _without_records(self, hop: Hop) -> tuple[Reply, Session, str]:
        """What this hop asked for was not done; of a session we do not have, nothing is known."""
        session = unpack_kept(hop.before)
        if session is None or not session.flow:
            return shed(), _blank(hop.inbound), "shed"
        hop.turn.session = session
        reply = out_of_reach(hop, self._stage, self._market.hub.help_msisdn)
        return reply, session, "new"

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
        return self._marks.of(key, f"hop {inbound.hop_id or session.hops}"), 0

    def _turn_away(self, inbound: Inbound, place: int) -> Reply | None:
        # What has a history is a call whose session was lost: it is under way, and more may come.
        most, limit = self._limits.hops_in_flight_max, self._dials
        if inbound.history:
            most, limit = most * _UNDER_WAY_TIMES, self._lost
        # Of many that come at once those have a place that came first; else nobody had one.
        if place >= most:
            return shed()
        if not limit.lets_in(inbound.msisdn):
            self._watch.refused("too many dials", inbound.msisdn, inbound.session_key)
            return shed()
        return None

    async def _answer(self, hop: Hop) -> Reply:
        session = hop.session
        if session.ended or not session.started_at:
            # Over, or never opened because the records were out of reach at its first hop.
            flow = hop.inbound.typed if hop.inbound.kind == "goto" else ""
            return await self._arrivals.dial_again(hop, flow)
        hop.secret = asks_secret(session)
        if session.adrift:
            await self._arrivals.recognise(
                session, hop.turn.now.timestamp(), hop.inbound.from_phone
            )
        new = self._new_entry(hop.inbound, session)
        if new is not None and "*" in new:
            # More than one entry at once: the store may have lost what was committed meanwhile.
            past = await self._committed(hop.inbound)
            if past is not None and past.size > session.history_size:
                return await self._go_on_from(hop, past)
        return await self._take(hop, new)

    async def _open(self, hop: Hop) -> Reply:
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
            return done.reply
        hop.turn.session = await self._arrivals.new_session(inbound, hop.turn.now.timestamp())
        entries = (history or (inbound.typed if inbound.kind == "dial" else "")).split("*")
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

    async def _go_on_from(self, hop: Hop, past: SavedHop) -> Reply:
        hop.turn.session, hop.secret = past.session, asks_secret(past.session)
        hop.before = pack(past.session)
        if past.size == len(hop.inbound.history or ""):
            return past.reply
        if past.session.ended:
            return await self._arrivals.dial_again(hop)
        return await self._take(hop, self._new_entry(hop.inbound, past.session))

    async def _take(self, hop: Hop, new: str | None) -> Reply:
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
            return await self._in_time(hop, await self._stage.go_to(hop, new))
        return await self._in_time(hop, await self._stage.answer(hop))

    async def _in_time(self, hop: Hop, outcome: Reply | Rest) -> Reply:
        if isinstance(outcome, Reply):
            return outcome
        return await self._late.wait_for(hop, self._stage, outcome)

    def _new_entry(self, inbound: Inbound, session: Session) -> str | None:
        if inbound.history is None:
            return inbound.typed
        return self._marks.new_in(
            inbound.session_key, inbound.history, session.history_size, session.history_mark
        )


def _blank(inbound: Inbound) -> Session:
    """A session of which nothing is known but whose it is."""
    return Session(inbound.gateway, inbound.session_id, inbound.msisdn)
