"""The first hop of a session: who is calling, what they left open, what they dialled at once."""

from __future__ import annotations

from bot.conversation import Inbound, Reply, Session
from bot.engine.courtesies import checking
from bot.engine.hop import Hop
from bot.engine.left_open import Attend, LeftOpen
from bot.engine.limits import Limits
from bot.engine.stage import Rest, Stage
from bot.engine.watch import Watch
from bot.market import Market, people, verifying
from bot.market.people import Contact
from bot.storage import hops
from bot.storage.hops import SavedHop
from bot.storage.records import RecordsDown
from bot.storage.sessions import Sessions, pack, unpack


class Arrivals:
    """Opens sessions: a plain dial, a redial, a long code, or one lost with its store."""

    def __init__(
        self,
        stage: Stage,
        market: Market,
        sessions: Sessions,
        limits: Limits,
        watch: Watch,
        attend: Attend,
    ) -> None:
        self._stage, self._market, self._watch = stage, market, watch
        self._sessions, self._limits = sessions, limits
        self._left = LeftOpen(stage, sessions, limits, attend)
        stage.come_back, stage.at_home = self.go_on, self.look_elsewhere

    async def new_session(self, hop: Hop) -> Session:
        """A session for this number; what is known of a person who consented comes with it."""
        inbound, now = hop.inbound, hop.turn.now.timestamp()
        session = Session(
            gateway=inbound.gateway,
            id=inbound.session_id,
            owner=inbound.msisdn,
            network=inbound.network,
            started_at=now,
            seen_at=now,
        )
        await self.recognise(hop, session)
        return session

    async def recognise(self, hop: Hop, session: Session) -> None:
        """Bring what is known of the caller into the session; without the records it is adrift.

        Only a call from a phone tells that the number's SIM is where it was.
        """
        who = session.owner
        try:
            contact, agreed = await self._market.records.read(lambda db: people.caller(db, who))
            if contact is not None and hop.inbound.from_phone:
                await self._note_call(hop, contact)
        except RecordsDown:
            session.adrift = True
            return
        session.adrift = False
        if contact is None:
            return
        session.contact_id, session.language = contact.id, session.language or contact.language
        session.role, session.shared = contact.role, contact.shared_phone
        session.crop, session.district = contact.crop, contact.district
        session.agreed = agreed

    async def _note_call(self, hop: Hop, contact: Contact) -> None:
        at, silent_days = hop.turn.now, self._limits.silent_days
        today = people.day_number(at)
        if verifying.is_silent(contact, silent_days, today):
            await self._stage.in_time(
                hop, lambda db: verifying.end_silence(db, contact, silent_days, at)
            )
        elif contact.seen_day < today:
            # It changes nothing of this call: it is written after the reply.
            self._watch.came(contact.id, today)

    async def dial(self, hop: Hop) -> Reply | Rest:
        """Home, or the redial card when this number left something open a short while ago."""
        session = hop.session
        before = await self._left.before(session)
        left = await self._left.find(session, before, session.started_at)
        self._note_before(session, before)
        self._stage.go_home(session)
        if left is not None:
            self._left.offer(session, left, session.started_at)
        return await self._stage.enter(hop)

    async def look_elsewhere(self, hop: Hop) -> None:
        """Who goes home in a chat is offered, once, what the same number left open on the phone."""
        session = hop.session
        if hop.inbound.from_phone or not session.number:
            return
        now = hop.turn.now.timestamp()
        left = await self._left.find(session, await self._left.before(session), now)
        if left is not None:
            self._left.offer(session, left, now)

    def _note_before(self, session: Session, before: list[Session]) -> None:
        if session.adrift and before:
            session.language = before[0].language
        same_way = [one for one in before if one.gateway == session.gateway]
        for last in same_way:
            session.offered = last.offered
            # Of who is not known only we can tell that both calls are one phone's.
            if not (session.contact_id or last.ended or last.hung_up):
                self._watch.left(last)

    async def dial_again(self, hop: Hop, flow: str = "") -> Reply | Rest:
        """A hop for a session that has ended: home, whatever was typed; old replies still hold.

        `flow` is where a command leads on from there.
        """
        old = hop.session
        hop.turn.session = await self.new_session(hop)
        hop.session.replies = old.replies
        hop.session.language = hop.session.language or old.language
        hop.session.offered = old.offered
        return await self.go_to(hop, flow)

    async def go_to(self, hop: Hop, flow: str) -> Reply | Rest:
        """A session that begins with a command: home, and on into its flow."""
        await self._sessions.began(hop.session.owner, hop.session.key)
        outcome = await self._stage.go_to(hop, flow)
        if not isinstance(outcome, Reply):
            # Should it come late, it is asked for from here: what was before is another call.
            hop.before = pack(hop.session)
        return outcome

    async def go_on(self, hop: Hop) -> Reply | None:
        """Put the person back where the earlier session stood; home when it is gone.

        A reply when work that it left running may not be done yet.
        """
        session = hop.session
        left = await self._left.take_over(session)
        if left is None:
            self._stage.go_home(session)
            return None
        _be_where(session, left)
        session.wrong_pins = max(session.wrong_pins, left.wrong_pins)
        if not left.checking:
            return None
        if (done := await self.done(left.checking)) is not None:
            # Its deed is not done again: what it said then is shown.
            _be_where(session, done.session)
            return None
        session.checking, session.checking_at = left.checking, left.checking_at
        return checking(hop, self._stage)

    async def replay(self, hop: Hop, entries: list[str]) -> Reply | Rest:
        """Play `entries` as if pressed one by one, stopping before consent, PIN and every effect.

        Not even the last may do something: the lists it passes may have changed since the person
        saw them, and whoever dials a long code has seen nothing. Only an effect that passes none
        and costs nobody anything may be the last.
        """
        self._stage.go_home(hop.session)
        await self._arrive(hop)
        last = len(entries) - 1
        for at, entry in enumerate(entries):
            screen = hop.session.screen
            if screen is None or screen.guards or screen.ends:
                break
            hop.before = pack(hop.session)
            hop.noted, hop.typed = False, entry
            outcome = await self._stage.answer(hop)
            if isinstance(outcome, Reply):
                continue
            if at == last and self._stage.may_be_dialled(hop.session):
                return outcome
            hop.turn.session = unpack(hop.before)
            break
        hop.noted = False
        return self._stage.show_again(hop)

    async def _arrive(self, hop: Hop) -> Reply:
        await self._sessions.began(hop.session.owner, hop.session.key)
        return await self._stage.to_the_end(hop, await self._stage.enter(hop))

    async def done(self, mark: bytes) -> SavedHop | None:
        """The committed hop with this mark, or None."""
        return await self._market.records.read(lambda db: hops.find(db, mark))

    async def committed(self, inbound: Inbound) -> list[SavedHop]:
        """What was committed of this session, longest history first."""
        key = inbound.session_key
        return await self._market.records.read(lambda db: hops.of_session(db, key))


def _be_where(session: Session, left: Session) -> None:
    session.flow, session.state = left.flow, left.state
    session.stack, session.notes = left.stack, left.notes
    session.language = left.language
