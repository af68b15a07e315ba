"""Which key leads where, over all flows, as their source says: for what a double press would do."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from bot.flow import Flow

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Press:
    """A choice of a screen. `key` is "" where the source does not tell its number."""

    move: str
    start: str
    key: str
    # Whether the source gives it a key of its own.
    own: bool


@cache
def presses(function: Callable[..., object]) -> tuple[Press, ...]:
    """Every choice that a step or an effect may show, also by the functions it calls."""
    tree, found = _tree(function), []
    numbers = _numbers(tree)
    for call in _calls(tree):
        if call.func.id == "Choice":
            words = {word.arg: _text(word.value) for word in call.keywords}
            move = words.get("move", "") or (_text(call.args[1]) if len(call.args) > 1 else "")
            key = words.get("key", "")
            start = words.get("start", "")
            found.append(Press(move, start, key or numbers.get(id(call), ""), bool(key)))
        else:
            called = inspect.unwrap(inspect.unwrap(function).__globals__.get(call.func.id, print))
            if getattr(called, "__module__", "").startswith("bot.flows") and called != function:
                found += presses(called)
    return tuple(found)


def keys_that_lead_to(flows: Mapping[str, Flow]) -> dict[Place, set[str]]:
    """For each place the keys that may be pressed last before it is shown."""
    found: dict[Place, set[str]] = {
        (name, place): set() for name, flow in flows.items() for place in flow.states
    }
    passed: list[tuple[Place, Place]] = []
    for name, flow in flows.items():
        for place, function in (flow.steps | flow.effects).items():
            for press in presses(function):
                for target in _targets(flows, (name, place), press.move, press.start):
                    found[target].add(press.key)
            for move, start in _passes(function):
                targets = _targets(flows, (name, place), move, start)
                passed += [((name, place), target) for target in targets]
    for _round in passed:
        for before, after in passed:
            found[after] |= found[before]
    return found


def _targets(flows: Mapping[str, Flow], place: Place, move: str, start: str) -> list[Place]:
    if start:
        return [(start, flows[start].start)]
    moves = flows[place[0]].moves
    return [(place[0], to) for name, source, to in moves if (name, source) == (move, place[1])]


def _numbers(tree: ast.AST) -> dict[int, str]:
    """The numbers of choices in a list that is a screen's whole list, or its beginning."""
    lists: list[ast.expr] = []
    for one in ast.walk(tree):
        if isinstance(one, ast.Assign):
            lists.append(one.value)
        elif isinstance(one, ast.Call):
            lists += one.args
    return {
        id(choice): str(number)
        for one in lists
        if isinstance(one, ast.List)
        for number, choice in enumerate(one.elts, 1)
    }


def _passes(function: Callable[..., object]) -> Iterator[tuple[str, str]]:
    """Where a step leads on by itself: by a move, or to the start of another flow."""
    for line in ast.walk(_tree(function)):
        if isinstance(line, ast.Return) and line.value is not None:
            yield _text(line.value), ""
    for call in _calls(_tree(function)):
        if call.func.id == "Start":
            yield "", _text(call.args[0])


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for one in ast.walk(tree):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name):
            yield one


@cache
def _tree(function: Callable[..., object]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))


def _text(value: ast.AST) -> str:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
