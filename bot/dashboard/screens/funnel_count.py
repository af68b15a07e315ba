"""Counts how far people get: hop by hop into conversations, places reached and where they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.dashboard.screens.place_words import MOVES
from bot.masking import without_numbers
from bot.pins_in_texts import CUT, without_pins

# From so much silence on nothing more comes: a network hangs up, a chat is left lying.
SILENT_MS, CHAT_SILENT_MS = 180_000, 900_000
CHAT = "telegram"
# A conversation after which another has begun is not under way any more.
_AFTER_ALL_MS = 1 << 62
_NEWEST = 5
_WAITS_MAX = 5_000
_TYPED_MAX = 2_000
_TYPED_SIGNS = 20
_DIGITS_MAX = 3
# Back, home and the next page ask for a screen; any other key is an answer to one.
Cell = tuple[str, str]


class Told(NamedTuple):
    """One hop as it was kept. `said` is 0 for the end of a call that was cut."""

    id: int
    session_key: str
    hop: int
    place: str
    typed: str
    said: int
    at_ms: int
    ends: int
    language: str


@dataclass(slots=True)
class Figures:
    """Of one flow or one place, in conversations; `again` and `waits_s` in hops.

    `ended` with our last screen, `hung_up` before it, `silent` without a word, `under_way` still;
    who is none of these went on. `newest` are rows of the newest that hung up or fell silent.
    """

    reached: int = 0
    ended: int = 0
    hung_up: int = 0
    silent: int = 0
    under_way: int = 0
    again: int = 0
    waits_s: list[int] = field(default_factory=list)
    newest: list[int] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many got no further, and were not told that this is the end."""
        return self.hung_up + self.silent

    @property
    def went_on(self) -> int:
        """How many went on from here."""
        return self.reached - self.ended - self.left - self.under_way

    def add(self, other: Figures) -> None:
        """Put another's figures into these."""
        self.reached += other.reached
        self.ended += other.ended
        self.hung_up += other.hung_up
        self.silent += other.silent
        self.under_way += other.under_way
        self.again += other.again
        self.waits_s += other.waits_s
        self.newest = sorted(self.newest + other.newest, reverse=True)[:_NEWEST]


@dataclass(slots=True)
class Part:
    """All figures of one channel and language. `typed` counts conversations for each answer that
    led back to the same place."""

    talks: int = 0
    flows: dict[str, Figures] = field(default_factory=dict)
    places: dict[str, Figures] = field(default_factory=dict)
    typed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Part) -> None:
        """Put another's figures into these."""
        self.talks += other.talks
        for mine, theirs in ((self.flows, other.flows), (self.places, other.places)):
            for name, figures in theirs.items():
                mine.setdefault(name, Figures()).add(figures)
        self.typed += other.typed


@dataclass(slots=True)
class _Talk:
    last: Told
    language: str
    places: set[str] = field(default_factory=set)
    again: Counter[str] = field(default_factory=Counter)
    waits: list[tuple[str, int]] = field(default_factory=list)
    typed: set[tuple[str, str]] = field(default_factory=set)
    cut: bool = False


class Counting:
    """Takes hops in the order in which they were kept; `parts` gives what they came to."""

    def __init__(self) -> None:
        self._parts: dict[Cell, Part] = {}
        self._open: dict[str, _Talk] = {}

    def take(self, hops: Iterable[Told]) -> None:
        """Hops that were kept after those before."""
        for hop in hops:
            talk = self._open.get(hop.session_key)
            if not hop.said:
                # The word that a call is over, of one that was over already, is no news.
                if talk is not None and not talk.last.ends:
                    talk.cut = True
                continue
            if talk is None or talk.cut or talk.last.ends or _is_another(talk.last, hop):
                if talk is not None:
                    self._close(talk, _AFTER_ALL_MS)
                talk = self._open[hop.session_key] = _Talk(hop, hop.language)
            else:
                _goes_on(talk, hop)
            talk.places.add(hop.place)
            talk.last, talk.language = hop, hop.language or talk.language

    def parts(self, now_ms: int) -> dict[Cell, Part]:
        """The figures for each channel and language; nothing is taken after this."""
        for talk in self._open.values():
            self._close(talk, now_ms)
        self._open.clear()
        return self._parts

    def _close(self, talk: _Talk, now_ms: int) -> None:
        channel = talk.last.session_key.partition(":")[0]
        part = self._parts.setdefault((channel, talk.language), Part())
        part.talks += 1
        flows = {place.partition(".")[0] for place in talk.places}
        for name in flows:
            part.flows.setdefault(name, Figures()).reached += 1
        for place in talk.places:
            part.places.setdefault(place, Figures()).reached += 1
        _end(part.flows[talk.last.place.partition(".")[0]], talk, now_ms)
        _end(part.places[talk.last.place], talk, now_ms)
        for place, times in talk.again.items():
            part.places[place].again += times
            part.flows[place.partition(".")[0]].again += times
        for place, seconds in talk.waits:
            if len(waits := part.places[place].waits_s) < _WAITS_MAX:
                waits.append(seconds)
        for typed in talk.typed:
            if typed in part.typed or len(part.typed) < _TYPED_MAX:
                part.typed[typed] += 1


def _is_another(last: Told, hop: Told) -> bool:
    """Whether a hop begins another conversation of the same session."""
    is_chat = hop.session_key.startswith(f"{CHAT}:")
    return hop.hop == 1 or (is_chat and hop.at_ms - last.at_ms > CHAT_SILENT_MS)


def _goes_on(talk: _Talk, hop: Told) -> None:
    last = talk.last
    talk.waits.append((last.place, max(0, (hop.at_ms - last.at_ms) // 1000)))
    if hop.place == last.place and hop.typed not in MOVES:
        talk.again[hop.place] += 1
        talk.typed.add((hop.place, shown_typed(hop.typed)))


def _end(figures: Figures, talk: _Talk, now_ms: int) -> None:
    is_chat = talk.last.session_key.startswith(f"{CHAT}:")
    if talk.last.ends:
        figures.ended += 1
        return
    if talk.cut:
        figures.hung_up += 1
    elif now_ms - talk.last.at_ms <= (CHAT_SILENT_MS if is_chat else SILENT_MS):
        figures.under_way += 1
        return
    else:
        figures.silent += 1
    figures.newest = [talk.last.id, *figures.newest][:_NEWEST]


def shown_typed(text: str) -> str:
    """What was typed as a page may show it: four digits or more may be a number or a PIN."""
    plain = without_numbers(without_pins(text))
    if sum(sign.isdigit() for sign in plain) > _DIGITS_MAX:
        return CUT
    return plain[:_TYPED_SIGNS]
