"""The board: calls under way, each as its phone shows it, kept up to date hop by hop."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from heapq import nsmallest
from itertools import islice
from math import inf
from typing import NamedTuple

from bot.dashboard.screens.call_tags import with_act
from bot.dashboard.screens.place_words import MOVES, is_about_money
from bot.dashboard.screens.wanted import ALL, Wanted
from bot.masking import without_numbers
from bot.msisdn import masked

# Networks close a silent USSD session within three minutes.
SILENT_MAX_S = 180
SHOWN_MAX = 60
_STUCK_S, _SLOW_MICROS, _AGAIN = 60, 1_000_000, 3
_KEPT_MAX = 20_000
_HOPS_MAX = 60_000
# So many calls are reckoned, or masked and shown, in some tenths of a millisecond.
_PIECE, _SHOWN_PIECE = 500, 15
_CHAT = "telegram:"


def is_chat(session_key: str) -> bool:
    """Whether this conversation is in a chat; else it is a call, which the network hangs up."""
    return session_key.startswith(_CHAT)


def line_of(owner: str, session_key: str) -> tuple[bool, str]:
    """On what there is one conversation at a time: a number's phone, or its chat beside it."""
    return is_chat(session_key), owner or session_key


def shown_number(owner: str) -> str:
    """Whose call it is, masked; "" of an account that has no number, and of nobody known."""
    return masked(owner) if owner.startswith("+") else ""


class Said(NamedTuple):
    """One hop, as it was written, and the name of whose it is."""

    id: int
    session_key: str
    hop: int
    owner: str
    place: str
    typed: str
    shown: str
    micros: int
    at_ms: int
    ends: int
    language: str
    names: str | None


class Act(NamedTuple):
    """What a member of staff did in a call; `owner` is whose call it was, as in a hop."""

    id: int
    session_key: str
    act: str
    name: str
    text: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call as it stands. `number` is masked, "" for who has not agreed to be known.

    `id` is its newest row, `mark` names it to a browser, `helper` is who on the staff has taken it,
    `act` the last thing staff did in it, `until_ms` when the network hangs up, 0 for a chat.
    `micros` is how long the last hop took.
    """

    id: int
    mark: str
    number: str
    name: str
    place: str
    language: str
    shown: str
    typed: str
    hops: int
    at_ms: int
    until_ms: int
    silent_s: float
    risks: tuple[str, ...]
    helper: str
    act: int
    chat: bool
    micros: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveCalls:
    """The calls under way that are wanted, those at risk first, `SHOWN_MAX` of `count` at most.

    `partly`: more hops came than are looked at.
    """

    calls: list[LiveCall]
    count: int
    at_risk: int
    hops_a_minute: int
    partly: bool
    # How far the feed had been read by then.
    at: str = ""


BLANK = LiveCall(0, "", "", "", "", "", "", "", 0, 0, 1, 0.0, (), "", 0, False, 0)


@dataclass(slots=True)
class _Call:
    last: Said
    # On what it is held, see `line_of`.
    line: tuple[bool, str]
    # When its first hop was, 0 where that was not seen and of a chat, which goes on for ever.
    begun_ms: int
    owners: set[str] = field(default_factory=set)
    slowest: int = 0
    # How often in a row its place has asked the same; turning a page is not another time.
    times: int = 0
    # As it was shown last, so that what stands as it did is not masked anew.
    shown: LiveCall | None = None

    def risks(self, now_ms: int) -> tuple[str, ...]:
        """What puts it at risk at this moment; asked of all, several times a second."""
        silent = now_ms - self.last.at_ms > _STUCK_S * 1000
        if not silent and self.times < _AGAIN and self.slowest <= _SLOW_MICROS:
            return ()
        found = ["again"] if self.times >= _AGAIN else []
        if silent:
            found.append("silent")
        if self.slowest > _SLOW_MICROS:
            found.append("slow")
        if is_about_money(self.last.place):
            found.append("money")
        return tuple(found)


class Board:
    """Takes hops in their order and says how things stand; what is silent for long is dropped.

    `ours` is the help line's number, which is no secret; `key` makes marks that nobody can guess.
    """

    def __init__(self, ours: str = "", key: bytes = b"") -> None:
        self._ours, self._key = ours, key
        self._calls: dict[str, _Call] = {}
        # A phone is in one call at a time: who dialled anew has left the call before. Only those
        # under way stand here: hops wait while they are gone through, and most calls are over.
        self._live: dict[tuple[bool, str], _Call] = {}
        self._helped: dict[str, Act] = {}
        self._tags: dict[str, tuple[str, ...]] = {}
        self._times: deque[int] = deque(maxlen=_HOPS_MAX)
        # When more hops came than were looked at, the moment of the first of those.
        self.partly_before_ms = 0

    def take(self, hops: Iterable[Said]) -> None:
        """Hops that came after those before."""
        for hop in hops:
            line = line_of(hop.owner, hop.session_key)
            begins = hop.hop <= 1 and bool(hop.shown) and not is_chat(hop.session_key)
            if begins:
                self._end(hop.session_key)
            # The call that spoke last stands last.
            before = self._calls.pop(hop.session_key, None)
            call = before or _Call(hop, line, hop.at_ms if begins else 0)
            if hop.place != call.last.place:
                call.times = 1
            elif not call.times or hop.typed not in MOVES:
                call.times += 1
            self._calls[hop.session_key] = call
            # It may have had another line: who has agreed to be known has a number from there on.
            if self._live.get(call.line) is call:
                del self._live[call.line]
            call.last, call.line, call.slowest = hop, line, max(call.slowest, hop.micros)
            call.owners.add(hop.owner)
            self._live.pop(line, None)
            if not hop.ends:
                self._live[line] = call
            self._times.append(hop.at_ms)

    def _end(self, session_key: str) -> None:
        """The id of a call that is over has come again: nothing of that one is of the new one."""
        self._helped.pop(session_key, None)
        self._tags.pop(session_key, None)
        before = self._calls.pop(session_key, None)
        if before is not None and self._live.get(before.line) is before:
            del self._live[before.line]

    def is_of_now(self, act: Act, at_ms: float = inf) -> bool:
        """Whether what was done `at_ms` was done in the call that has its id now."""
        call = self._calls.get(act.session_key)
        if call is None:
            return True
        # Who agrees to be known has a number from there on, which may not have been read yet.
        same = not any(call.owners) or not act.owner or act.owner in call.owners
        return same and at_ms >= call.begun_ms

    def take_acts(self, acts: Iterable[Act]) -> None:
        """What staff did, after what they did before."""
        for act in filter(self.is_of_now, acts):
            before = self._helped.pop(act.session_key, None)
            keeps = before is not None and act.act not in {"taken", "given"}
            name = before.name if before and keeps else act.name if act.act == "taken" else ""
            self._helped[act.session_key] = act._replace(name=name)
            if tags := with_act(self._tags.pop(act.session_key, ()), act.act, act.text):
                self._tags[act.session_key] = tags
        while len(self._helped) > _KEPT_MAX:
            gone = next(iter(self._helped))
            del self._helped[gone]
            self._tags.pop(gone, None)

    def mark_of(self, session_key: str) -> str:
        """What names a call to a browser; a gateway's session id may be a person's account."""
        return blake2b(session_key.encode(), digest_size=8, key=self._key).hexdigest()

    def stamp_of(self, session_key: str, known_ms: float) -> tuple[int, int]:
        """The newest row and act of the call that had a hop at `known_ms`, 0 for none of late."""
        call, act = self._calls.get(session_key), self._helped.get(session_key)
        if call is not None and call.begun_ms > known_ms:
            return 0, 0
        return call.last.id if call else 0, act.id if act else 0

    def standing(self, now_ms: int, wanted: Wanted = ALL) -> LiveCalls:
        """How things stand at this moment, those at risk first."""
        return next(filter(None, self.reckoning(now_ms, wanted)))

    def reckoning(self, now_ms: int, wanted: Wanted = ALL) -> Iterator[LiveCalls | None]:
        """The same in pieces: None after each, when hops may have their turn, and then it."""
        self._forget(now_ms)
        calls = self._wanted(wanted)
        live: list[tuple[tuple[str, ...], _Call]] = []
        for begin in range(0, len(calls), _PIECE):
            live += [(call.risks(now_ms), call) for call in calls[begin : begin + _PIECE]]
            yield None
        if wanted.risk:
            live = [one for one in live if wanted.fits_risks(one[0])]
        risky = [one for one in live if one[0]]
        first = nsmallest(SHOWN_MAX, risky, key=lambda one: (-len(one[0]), -one[1].last.at_ms))
        # Who spoke last stands last.
        quiet = (one for one in reversed(live) if not one[0])
        first += islice(quiet, SHOWN_MAX - len(first))
        shown: list[LiveCall] = []
        for risks, call in first:
            if len(shown) % _SHOWN_PIECE == 0:
                yield None
            shown.append(self._shown(call, risks, now_ms))
        yield LiveCalls(
            shown,
            len(live),
            len(risky),
            len(self._times),
            self.partly_before_ms >= now_ms - 60_000,
        )

    def _wanted(self, wanted: Wanted) -> list[_Call]:
        live = list(self._live.values())
        if wanted == ALL:
            return live
        return [
            call for call in live if wanted.fits(call.line[0], call.last.place, call.last.language)
        ]

    def _forget(self, now_ms: int) -> None:
        silent_ms = now_ms - SILENT_MAX_S * 1000
        over: list[str] = []
        for key, call in self._calls.items():
            if call.last.at_ms >= silent_ms and len(self._calls) - len(over) <= _KEPT_MAX:
                break
            over.append(key)
        for key in over:
            call = self._calls.pop(key)
            if self._live.get(call.line) is call:
                del self._live[call.line]
        while self._times and self._times[0] < now_ms - 60_000:
            self._times.popleft()

    def _shown(self, call: _Call, risks: tuple[str, ...], now_ms: int) -> LiveCall:
        row, was = call.last, call.shown
        helped = self._helped.get(row.session_key)
        silent_s = max(0.0, (now_ms - row.at_ms) / 1000)
        act = helped.id if helped else 0
        if was and (was.id, was.risks, was.act) == (row.id, risks, act):
            return replace(was, silent_s=silent_s)
        call.shown = LiveCall(
            id=row.id,
            mark=self.mark_of(row.session_key),
            number=shown_number(row.owner),
            name=without_numbers(row.names or "", self._ours),
            place=row.place,
            language=row.language,
            shown=without_numbers(row.shown, self._ours),
            typed=without_numbers(row.typed, self._ours),
            hops=row.hop,
            at_ms=row.at_ms,
            until_ms=0 if is_chat(row.session_key) else row.at_ms + SILENT_MAX_S * 1000,
            silent_s=silent_s,
            risks=risks,
            helper=helped.name if helped else "",
            act=act,
            chat=is_chat(row.session_key),
            micros=row.micros,
            tags=self._tags.get(row.session_key, ()),
        )
        return call.shown
