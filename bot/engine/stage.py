"""Playing a conversation: read what was typed, follow the map, run the steps it leads to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.conversation import LANGUAGES, Choice, Reply, Screen, Session
from bot.engine.budget import Budget
from bot.engine.effects import Effects, leave, said_here
from bot.engine.hop import Hop, note, present
from bot.engine.layout import lay_out
from bot.flow import Done, Flow, Forgotten, Invalid, Resume, Start
from bot.flows.language import WRONG_KEY
from bot.i18n import _, speak
from bot.market import Market, people
from bot.storage.records import RecordsDown

T = TypeVar("T")

_STEPS_MAX = 12
HOME = "home"
_UNLOCK, _CONSENT = "pin", "register"
_MENU = "menu"
_NUMBER = re.compile("[1-9][0-9]{0,3}")


# What is left to do for a hop: it may wait on the outside, so whoever calls it minds the time.
Rest = Callable[[Hop], Coroutine[Any, Any, "Reply | Rest"]]


class Stage:
    """Runs flows for one hop at a time; where it would have to wait it stops and gives a `Rest`."""

    def __init__(self, flows: Mapping[str, Flow], market: Market, budget: Budget) -> None:
        self._flows = flows
        self._market = market
        self._effects = Effects(market, budget.budget_s)
        self._budget = budget
        # Who brings a person back to an earlier session: set by `Arrivals`, which knows sessions.
        self.come_back: Callable[[Hop], Awaitable[Reply | None]] = _nowhere_to_come_back_to
        # Who has come home may have left something open elsewhere: set by `Arrivals` too.
        self.at_home: Callable[[Hop], Awaitable[None]] = _nothing_left_open

    def flow_of(self, session: Session) -> Flow:
        """The flow in which this session stands."""
        return self._flows[session.flow]

    def knows(self, session: Session) -> bool:
        """Whether this version has the places where it stands and stood; another's may be gone."""
        if not session.flow:
            return True
        places = ((session.flow, session.state), *(frame[:2] for frame in session.stack))
        return all(self._has(flow, state) for flow, state in places)

    def _has(self, name: str, state: str) -> bool:
        flow = self._flows.get(name)
        return flow is not None and (state in flow.steps or state in flow.effects)

    def go_home(self, session: Session) -> None:
        """Leave every flow: the menu, or the choice of language before one is chosen."""
        flow = self._flows[HOME]
        session.stack, session.notes = [], {}
        session.flow, session.state = HOME, _MENU if session.language else flow.start

    async def go_to(self, hop: Hop, flow: str) -> Reply | Rest:
        """Home, and on into `flow` as from its line on the menu; "" stays at home.

        Before a language is chosen everybody stays at home, where it is asked.
        """
        self.go_home(hop.session)
        if flow in self._flows and hop.session.language:
            self._start(hop.session, Start(flow))
        elif not flow:
            await self.at_home(hop)
        return await self.enter(hop)

    async def answer(self, hop: Hop) -> Reply | Rest:
        """Take what was typed on the screen last shown."""
        session, screen = hop.session, hop.session.screen
        _speak_to(session)
        if screen is None:
            return await self.enter(hop)
        hop.others = screen.list_file or (screen.of_others and screen.asks != "")
        typed = hop.typed.strip()
        if not typed.isprintable():
            hop.typed = typed = _seen(typed)
        if "*" in typed or "#" in typed:
            return self.show_again(hop, _wrong_key(session))
        moved = self._navigate(hop, screen, typed)
        if isinstance(moved, Reply):
            return moved
        if moved:
            if (session.flow, session.state) == (HOME, _MENU):
                await self.at_home(hop)
            return await self.enter(hop)
        if screen.asks:
            if session.state in self.flow_of(session).slow_answers:
                return partial(self._answer_question, typed=typed)
            return await self._answer_question(hop, typed)
        choice = chosen(screen, session.seen, typed)
        if choice is None:
            return self.show_again(hop, _wrong_key(session))
        self._follow(session, choice)
        return await self.enter(hop)

    def show_again(self, hop: Hop, hint: str = "") -> Reply:
        """What the person last saw, with a hint; nothing has changed."""
        session = hop.session
        screen = session.screen or Screen(_("Service not available now. Try again later."))
        # With a new hint the first page is shown: the hint stands there.
        page = 0 if hint else session.page
        hint = hint or session.hint
        return self.finish(hop, present(hop, self.flow_of(session), screen, hint, page))

    async def enter(self, hop: Hop) -> Reply | Rest:
        """Run the step of the session's place, and what it leads to, until there is a screen."""
        session = hop.session
        for _step in range(_STEPS_MAX):
            _speak_to(session)
            flow = self.flow_of(session)
            if session.adrift and not flow.open:
                raise RecordsDown("who is calling cannot be looked up")
            if flow.personal and session.shared and not session.unlocked:
                self._start(session, Start(_UNLOCK), passing=True)
                continue
            if flow.personal and session.contact_id and await self._must_agree_anew(session):
                self._start(session, Start(_CONSENT), passing=True)
                continue
            if session.state in flow.effects:
                said = said_here(session.notes)
                return self._commit if said is None else await self._show(hop, said)
            if session.state in flow.slow_steps:
                return self._run_slow_step
            try:
                outcome = await flow.steps[session.state](hop.turn)
            except Forgotten:
                self._forget(session)
                continue
            if isinstance(outcome, Screen):
                return await self._show(hop, outcome)
            if (reply := await self._go_on(hop, flow, outcome)) is not None:
                return reply
        raise RuntimeError(f"flow {session.flow!r} does not come to a screen")

    async def to_the_end(self, hop: Hop, outcome: Reply | Rest) -> Reply:
        """The reply, after all that may have to be waited for."""
        while not isinstance(outcome, Reply):
            outcome = await outcome(hop)
        return outcome

    def finish(self, hop: Hop, reply: Reply) -> Reply:
        """Note the hop in its session; everything that is answered passes here."""
        note(hop, reply)
        return reply

    def _navigate(self, hop: Hop, screen: Screen, typed: str) -> Reply | bool:
        """Take `0`, `00` and `99`; False when `typed` is none of them here."""
        session = hop.session
        if typed == "00":
            self.go_home(session)
            return True
        if typed == "0":
            if session.page:
                return self._turn_page(hop, screen, session.page - 1)
            return self._back(session)
        if typed == "99":
            pages = lay_out(hop.layout, self.flow_of(session), session, screen, session.hint)
            if session.page + 1 < len(pages):
                return self._turn_page(hop, screen, session.page + 1)
        return False

    def _turn_page(self, hop: Hop, screen: Screen, page: int) -> Reply:
        session = hop.session
        return self.finish(hop, present(hop, self.flow_of(session), screen, session.hint, page))

    def _back(self, session: Session) -> bool:
        flow = self.flow_of(session)
        if flow.leads("back", session.state):
            flow.take("back", session)
            return True
        if session.flow == HOME and not session.stack:
            return False
        while session.stack:
            session.flow, session.state, session.notes, passed_through = session.stack.pop()
            # Going back does nothing new: a deed is shown where it was done, else passed over.
            if not passed_through and not self._would_act(session):
                return True
        self.go_home(session)
        return True

    def may_be_dialled(self, session: Session) -> bool:
        """Whether what is to be done here may be the end of a long code."""
        return session.state in self.flow_of(session).by_long_code

    def _would_act(self, session: Session) -> bool:
        undone = said_here(session.notes) is None
        return undone and session.state in self.flow_of(session).effects

    async def _run_slow_step(self, hop: Hop) -> Reply | Rest:
        _speak_to(hop.session)
        flow = self.flow_of(hop.session)
        try:
            outcome = await flow.steps[hop.session.state](hop.turn)
        except Forgotten:
            self._forget(hop.session)
            return await self.enter(hop)
        if isinstance(outcome, Screen):
            return await self._show(hop, outcome)
        return await self._go_on(hop, flow, outcome) or await self.enter(hop)

    async def _answer_question(self, hop: Hop, typed: str) -> Reply | Rest:
        session = hop.session
        _speak_to(session)
        flow = self.flow_of(session)
        try:
            move = await flow.answers[session.state](hop.turn, typed)
        except Invalid as invalid:
            return self.show_again(hop, invalid.hint)
        except Forgotten:
            self._forget(session)
            return await self.enter(hop)
        leave(session)
        flow.take(move, session)
        return await self.enter(hop)

    def _follow(self, session: Session, choice: Choice) -> None:
        session.notes[session.state] = choice.value
        if choice.start:
            # What the choice stands for goes along to the flow that it begins.
            notes = {} if choice.value is None else {"picked": choice.value}
            self._start(session, Start(choice.start, notes))
        elif choice.move:
            leave(session)
            self.flow_of(session).take(choice.move, session)

    async def _go_on(
        self, hop: Hop, flow: Flow, outcome: str | Start | Done | Resume
    ) -> Reply | None:
        """Be where `outcome` leads; a reply when there is only that to say there."""
        session = hop.session
        if isinstance(outcome, Resume):
            return await self.come_back(hop)
        if isinstance(outcome, Start):
            self._start(session, outcome, passing=True)
        elif isinstance(outcome, Done):
            self._come_out(session, outcome)
        else:
            leave(session)
            flow.take(outcome, session)
        return None

    def _come_out(self, session: Session, outcome: Done) -> None:
        if not session.stack:
            self.go_home(session)
            return
        session.flow, session.state, session.notes, passed_through = session.stack.pop()
        session.notes.update(outcome.notes)
        if not passed_through:
            # The person went there and comes back with what the deed wanted: it is tried again.
            leave(session)

    def _start(self, session: Session, start: Start, passing: bool = False) -> None:
        session.stack.append((session.flow, session.state, session.notes, passing))
        session.flow, session.notes = start.flow, dict(start.notes)
        session.state = self._flows[start.flow].start

    async def _show(self, hop: Hop, screen: Screen) -> Reply:
        reply = self.finish(hop, present(hop, self.flow_of(hop.session), screen))
        # Of who has not agreed to be known no call is written down: cut by a crash, it asks again.
        if screen.guards and hop.session.contact_id:
            # A call cut here goes on here after any crash; a dialled long code cannot, having none.
            with suppress(IntegrityError):  # it is kept already: this hop was shown before
                await self.in_time(hop, partial(self._effects.keep, hop, reply))
        return reply

    async def in_time(self, hop: Hop, work: Callable[[Connection], T]) -> T:
        """Write to the records within what is left of the hop's time; else `RecordsDown`."""
        if hop.is_late:
            return await self._market.records.write(work)
        is_over = False

        def unless_over(db: Connection) -> T:
            # It may have waited behind another program's writing: the person reads otherwise now.
            if is_over:
                raise RecordsDown("the time of this hop is over")
            return work(db)

        try:
            writing = self._market.records.write(unless_over)
            return await self._budget.spend(writing, hop.came_at)
        except (RecordsDown, asyncio.CancelledError):
            is_over = True
            raise

    async def _must_agree_anew(self, session: Session) -> bool:
        """Whether the words this person agreed to have changed since; looked up once a call."""
        if session.agreed:
            return False
        who = session.contact_id
        read = self._market.records.read
        older = await read(lambda db: people.agreed_to_older_words(db, who))
        session.agreed = not older
        return older

    async def _commit(self, hop: Hop) -> Reply | Rest:
        reply = await self._effects.commit(hop, self.flow_of(hop.session))
        if reply is not None:
            return reply
        self._forget(hop.session)
        return await self.enter(hop)

    def _forget(self, session: Session) -> None:
        session.forget_person()
        self.go_home(session)


def chosen(screen: Screen, seen: int, typed: str) -> Choice | None:
    """The choice that `typed` names among those the person has seen, or None."""
    place = int(typed) if _NUMBER.fullmatch(typed) else 0
    for number, choice in enumerate(screen.choices[:seen], 1):
        if typed == choice.key if choice.key else number == place:
            return choice
    return None


def _seen(typed: str) -> str:
    """Without marks that a keyboard adds, or an attacker, and no store may keep; lines stay."""
    lines = (" ".join(line.split()) for line in typed.split("\n"))
    return "\n".join("".join(filter(str.isprintable, line)) for line in lines).strip()


def _wrong_key(session: Session) -> str:
    return _("Invalid choice. Try again.") if session.language else WRONG_KEY


def _speak_to(session: Session) -> None:
    speak(session.language or LANGUAGES[0])


async def _nowhere_to_come_back_to(hop: Hop) -> Reply | None:
    raise RuntimeError("no arrivals are set")


async def _nothing_left_open(hop: Hop) -> None:
    """Home is home."""
