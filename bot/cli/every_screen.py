"""Every screen of every flow, by following the maps from home with the demo's cast.

Nothing is done for good: a step only reads, and an effect is undone as soon as its screen is known.
What a PIN, an outage or an expired order would lead to is entered along the map's own arrows.
"""

from __future__ import annotations

import copy
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from bot import demo
from bot.conversation import LANGUAGES, Inbound, Language, Screen, Session
from bot.flow import Done, Flow, Invalid, Next, Resume, Start, Turn
from bot.i18n import speaking
from bot.market import Market, people
from bot.market.people import Contact
from bot.storage.schema import consents, contacts

Place = tuple[str, str]

_UNLOCK, _CONSENT = "pin", "register"
_ACCOUNT = "tg:700100200"
_HOP = b"every screen now"
# So often a caller comes to one place: what is picked from a list leads to different screens.
_COMES_BY = 3
# Typed where a screen asks: the first one that is understood goes on.
_SAMPLES = (
    "50", "0738000077", "2345678K", "01/03/2030", "01/11", "700", "Mukamana Aline", "0788000001",
)  # fmt: skip
_CUT_OFF = {"left": {"line": "KW-1042", "shared": False, "key": "", "why": "lost"}}


@dataclass(slots=True)
class Shown:
    """One screen in every language, and where the session stood that saw it."""

    place: Place
    session: Session
    screens: dict[Language, Screen]


@dataclass(slots=True)
class Walk:
    """What was found on one channel: what is shown where, and what only leads on."""

    shown: dict[Place, Shown] = field(default_factory=dict)
    passed: set[Place] = field(default_factory=set)
    # Those to which somebody came by choosing, typing or being led on, not along the map alone.
    chosen: set[Place] = field(default_factory=set)
    # Where each place leads, by a choice, an answer, a step of its own, or the map.
    leads: dict[Place, set[Place]] = field(default_factory=dict)

    @property
    def reached(self) -> set[Place]:
        """Every place that was entered."""
        return set(self.shown) | self.passed


class _Undone(Exception):
    """Carries a screen out of a transaction that must not be kept."""

    def __init__(self, screen: Screen) -> None:
        super().__init__("undone")
        self.screen = screen


@dataclass(slots=True)
class _Way:
    """A session that is about to enter a place. `forced`: an arrow that nobody chose."""

    session: Session
    forced: bool = False
    came_from: Place | None = None


def _agreed_to(db: Connection, msisdn: str, version: str) -> None:
    theirs = select(contacts.c.id).where(contacts.c.msisdn == msisdn)
    mine = consents.c.contact_id.in_(theirs)
    db.execute(update(consents).where(mine).values(text_version=version))


class Walker:
    """Walks over every flow on one channel, breadth first, once for each caller."""

    def __init__(
        self, flows: Mapping[str, Flow], market: Market, channel: str, now: datetime
    ) -> None:
        self._flows, self._market, self._now = flows, market, now
        self._channel = channel
        self._walk = Walk()

    async def walk(self) -> Walk:
        """All that can be reached from home, by everybody in the cast and by nobody known."""
        for msisdn in [*(member.msisdn for member in demo.CAST), demo.UNKNOWN, _ACCOUNT]:
            if msisdn == _ACCOUNT and self._channel == "ussd":
                continue
            await self._walk_as(msisdn, shared=False)
        await self._walk_as(demo.CAST[0].msisdn, shared=True)
        await self._walk_with_older_words(demo.CAST[0].msisdn)
        return self._walk

    async def _walk_with_older_words(self, msisdn: str) -> None:
        """As somebody who agreed to other words than today's; what they agreed to is put back."""
        write = self._market.records.write
        await write(lambda db: _agreed_to(db, msisdn, "before"))
        await self._walk_as(msisdn, shared=False)
        await write(lambda db: _agreed_to(db, msisdn, people.CONSENT_VERSION))

    async def _walk_as(self, msisdn: str, shared: bool) -> None:
        contact = await self._market.records.read(lambda db: people.by_msisdn(db, msisdn))
        chosen: deque[_Way] = deque(_Way(one) for one in self._homes(msisdn, contact, shared))
        forced: deque[_Way] = deque()
        been: Counter[Place] = Counter()
        while chosen or forced:
            way = (chosen or forced).popleft()
            place = _place(way.session)
            if way.came_from is not None:
                self._walk.leads.setdefault(way.came_from, set()).add(place)
            if been[place] >= (1 if way.forced else _COMES_BY):
                continue
            found = await self._enter(way)
            if found is None:
                continue
            been[place] += 1
            if not way.forced:
                self._walk.chosen.add(place)
            for onward in found:
                onward.forced |= way.forced
                (forced if onward.forced else chosen).append(onward)

    def _homes(self, msisdn: str, contact: Contact | None, shared: bool) -> Iterator[Session]:
        """Where a call may begin: the menu, the language, the card of who was cut off."""
        for state in ("menu", "language", "resume"):
            session = Session(self._channel, "walk", msisdn, "home", state)
            session.language = None if state == "language" else LANGUAGES[0]
            if contact is not None:
                session.contact_id, session.role = contact.id, contact.role
                session.crop, session.district = contact.crop, contact.district
                session.shared = shared
            session.notes = copy.deepcopy(_CUT_OFF) if state == "resume" else {}
            yield session

    async def _enter(self, way: _Way) -> list[_Way] | None:
        """Enter the place of a session: where it leads; None where this caller cannot be there."""
        session, place = way.session, _place(way.session)
        flow = self._flows[session.flow]
        screens: dict[Language, Screen] = {}
        after = session
        for language in LANGUAGES:
            after = _copy(session)
            if place != ("home", "language"):
                after.language = language
            try:
                outcome = await self._run(flow, after, language)
            except Exception:
                # An arrow that nobody chose may lack what a person would have picked before.
                if way.forced:
                    return None
                raise
            if not isinstance(outcome, Screen):
                self._walk.passed.add(place)
                return [*self._led_on(after, outcome, place), *self._by_the_map(after, place)]
            screens[language] = outcome
        if place not in self._walk.shown:
            self._walk.shown[place] = Shown(place, _copy(session), screens)
        onward = await self._answers(after, screens[LANGUAGES[-1]], place)
        return onward + self._by_the_map(after, place)

    async def _run(self, flow: Flow, session: Session, language: Language) -> Next:
        turn = self._turn(session)
        with speaking(language):
            if flow.personal and session.shared and not session.unlocked:
                return Start(_UNLOCK)
            if flow.personal and session.contact_id and await self._must_agree_anew(session):
                return Start(_CONSENT)
            if session.state not in flow.effects:
                return await flow.steps[session.state](turn)
            effect = flow.effects[session.state]

            def undo(db: Connection) -> None:
                with speaking(language):
                    raise _Undone(effect(turn, db))

            try:
                await self._market.records.write(undo)
            except _Undone as undone:
                return undone.screen
        raise RuntimeError("an effect was kept")

    async def _must_agree_anew(self, session: Session) -> bool:
        who = session.contact_id
        return await self._market.records.read(lambda db: people.agreed_to_older_words(db, who))

    async def _answers(self, session: Session, screen: Screen, place: Place) -> list[_Way]:
        """Where the choices of a screen lead, or what is typed where it asks."""
        ways = []
        for choice in screen.choices:
            after = _copy(session)
            after.notes[session.state] = choice.value
            if choice.start:
                picked = {} if choice.value is None else {"picked": choice.value}
                ways.append(self._started(after, choice.start, picked, place))
            elif choice.move:
                self._flows[after.flow].take(choice.move, after)
                ways.append(_Way(after, came_from=place))
        if screen.asks in ("text", "number"):
            ways += await self._typed(session, place)
        if screen.asks == "pin":
            session.unlocked = True
            session.notes["pin_hash"] = "x"
            session.notes.setdefault("link", 0)
        return ways

    async def _typed(self, session: Session, place: Place) -> list[_Way]:
        flow = self._flows[session.flow]
        for sample in _SAMPLES:
            after = _copy(session)
            try:
                with speaking("rw"):
                    move = await flow.answers[session.state](self._turn(after), sample)
            except Invalid:
                continue
            flow.take(move, after)
            return [_Way(after, came_from=place)]
        return []

    def _led_on(self, session: Session, outcome: Next, place: Place) -> list[_Way]:
        if isinstance(outcome, Start):
            return [self._started(session, outcome.flow, outcome.notes, place)]
        if isinstance(outcome, str):
            self._flows[session.flow].take(outcome, session)
            return [_Way(session, came_from=place)]
        if isinstance(outcome, Done | Resume) and session.stack:
            session.flow, session.state, session.notes, _passed = session.stack.pop()
            return [_Way(session, came_from=place)]
        return []

    def _by_the_map(self, session: Session, place: Place) -> list[_Way]:
        """Every arrow out of a place, and every flow that it may begin, whoever takes them."""
        flow, ways = self._flows[session.flow], []
        if _place(session) != place:
            return []
        # Back is where one came from; but a place may be there only to say where back leads.
        ahead = {flow.start, *(target for move, _source, target in flow.moves if move != "back")}
        for move, source, target in flow.moves:
            if source == session.state and (move != "back" or target not in ahead):
                after = _copy(session)
                flow.take(move, after)
                ways.append(_Way(after, forced=True, came_from=place))
        for called, source in flow.calls:
            if source == session.state:
                started = self._started(_copy(session), called, {}, place)
                started.forced = True
                ways.append(started)
        return ways

    def _started(self, session: Session, flow: str, notes: dict[str, Any], place: Place) -> _Way:
        session.stack.append((session.flow, session.state, session.notes, False))
        session.flow, session.notes = flow, dict(notes)
        session.state = self._flows[flow].start
        return _Way(session, came_from=place)

    def _turn(self, session: Session) -> Turn:
        inbound = Inbound(self._channel, self._channel, "walk", session.owner, "input")
        return Turn(inbound, session, self._market, self._now, _HOP)


def _place(session: Session) -> Place:
    return session.flow, session.state


def _copy(session: Session) -> Session:
    after = copy.copy(session)
    after.notes, after.stack = copy.deepcopy(session.notes), copy.deepcopy(session.stack)
    return after
