"""What a conversation is made of: a map of moves, and a step for each place on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import Connection
from transitions import Machine, MachineError

from bot.conversation import Inbound, Screen, Session
from bot.market import people

if TYPE_CHECKING:
    from bot.market import Market

Arrow = tuple[str, str, str]
_T = TypeVar("_T")


class Invalid(Exception):
    """The person's answer cannot be taken; `hint` says why, in their language."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


class Forgotten(Exception):
    """The person of this session is known no more: erased, or the number is another's by now."""


@dataclass(frozen=True, slots=True)
class Start:
    """Begin another flow; when it is done, the state that started it is entered again."""

    flow: str
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """This flow is finished: go back to the caller, or home. `notes` are handed to the caller."""

    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resume:
    """Go back to where this number's earlier session stood, as the redial card offers."""


Next = Screen | str | Start | Done | Resume


class Turn(msgspec.Struct):
    """All that a step may look at or use while one hop is answered."""

    inbound: Inbound
    session: Session
    market: Market
    now: datetime
    hop_key: bytes

    @property
    def notes(self) -> dict[str, Any]:
        """What was picked or typed so far in this flow, under the state that asked."""
        return self.session.notes

    async def read(self, query: Callable[..., _T], *args: Any) -> _T:
        """Run a reading function `query(db, *args)` of `market` against the records.

        What is the caller's own is read for whoever still has the number: else `Forgotten`.
        """
        own = self.session.contact_id

        def look(db: Connection) -> _T:
            if own and own in args and not people.is_reached(db, own):
                raise Forgotten
            return query(db, *args)

        return await self.market.records.read(look)


Step = Callable[[Turn], Awaitable[Next]]
Answer = Callable[[Turn, str], Awaitable[str]]
Effect = Callable[[Turn, Connection], Screen]


class Flow:
    """One conversation: its map, and what is said and done at each place.

    `moves` are rows of (move, from, to). `calls` are rows of (flow, from) for the flows that a
    choice or a step of `from` may begin. A `back` row says where `0` leads. A `personal` flow names
    what is somebody's own: on a shared phone the PIN comes before it. An `open` one is for anybody,
    also while the records are out of reach and nobody knows who is calling.
    """

    def __init__(
        self,
        name: str,
        start: str,
        moves: list[Arrow],
        calls: list[tuple[str, str]] | None = None,
        personal: bool = False,
        open: bool = False,  # noqa: A002  the word of the flows, where it hides nothing
    ) -> None:
        self.name, self.start, self.moves, self.calls = name, start, moves, calls or []
        self.personal, self.open = personal, open
        self.steps: dict[str, Step] = {}
        self.answers: dict[str, Answer] = {}
        self.effects: dict[str, Effect] = {}
        # Effects that a long code may lead to.
        self.by_long_code: set[str] = set()
        self.slow_steps: set[str] = set()
        self.slow_answers: set[str] = set()
        places = [start, *(place for _, source, target in moves for place in (source, target))]
        # One machine serves every session: sessions are moved by it, never added to it.
        self.machine = Machine(
            model=None,
            states=list(dict.fromkeys([*places, *(source for _, source in self.calls)])),
            transitions=[{"trigger": m, "source": s, "dest": d} for m, s, d in moves],
            initial=start,
            auto_transitions=False,
        )
        # The machine has checked the map. No arrow of ours has a condition or a callback, so a hop
        # looks its arrow up: 0.2 us, where to trigger the event takes 7.
        self._arrows = {
            (move, source): arrows[0].dest
            for move, event in self.machine.events.items()
            for source, arrows in event.transitions.items()
        }

    @property
    def states(self) -> list[str]:
        """Every place on the map, in the order in which the map names them."""
        return list(self.machine.states)

    def leads(self, move: str, state: str) -> bool:
        """Whether the map has an arrow `move` out of `state`."""
        return (move, state) in self._arrows

    def take(self, move: str, session: Session) -> None:
        """Follow one arrow of the map. A move the map lacks raises `MachineError`."""
        target = self._arrows.get((move, session.state))
        if target is None:
            raise MachineError(f"flow {self.name!r}: no move {move!r} from {session.state!r}")
        session.state = target

    def step(self, state: str, slow: bool = False) -> Callable[[Step], Step]:
        """Name what happens on entering `state`: show a screen, or go on along a move.

        `slow` marks a step that waits on the outside: it is given the hop's time budget, and what
        is not ready by then is shown on a later hop.
        """

        def keep(function: Step) -> Step:
            self.steps[state] = function
            if slow:
                self.slow_steps.add(state)
            return function

        return keep

    def answer(self, state: str, slow: bool = False) -> Callable[[Answer], Answer]:
        """Name how a typed answer is read in `state`: return a move, or raise `Invalid`."""

        def keep(function: Answer) -> Answer:
            self.answers[state] = function
            if slow:
                self.slow_answers.add(state)
            return function

        return keep

    def effect(self, state: str, by_long_code: bool = False) -> Callable[[Effect], Effect]:
        """Name what entering `state` does to the records, in one transaction with its reply.

        The function gets the turn and a connection inside the transaction, may run on another
        thread, and returns the screen to show. A repeated hop gets that screen, and no second
        effect. `by_long_code` when a dialled code may end here: nothing on the way may have changed
        meanwhile, and nobody loses anything by it.
        """

        def keep(function: Effect) -> Effect:
            self.effects[state] = function
            if by_long_code:
                self.by_long_code.add(state)
            self.slow_steps.add(state)
            return function

        return keep
