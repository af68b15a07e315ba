"""The board kept up to date hop by hop, against one that is reckoned anew from all hops."""

from __future__ import annotations

import random
import time

import pytest

from bot.dashboard.screens import board as boards
from bot.dashboard.screens.board import SHOWN_MAX, SILENT_MAX_S, Act, Board, Said, line_of
from tests.server import FARMER, TEA

NOW_MS = int(time.time() * 1000)


def said(number: int, key: str, owner: str = "", ago_s: float = 1) -> Said:
    at_ms = NOW_MS - int(ago_s * 1000)
    return Said(number, key, 1, owner, "home.home", "1", "s 0788123456", 900, at_ms, 0, "en", None)


def drawn(seed: int, count: int) -> list[Said]:
    """Hops of the last five minutes: few phones, who dial anew, register on the way and hang up."""
    draw, hops = random.Random(seed), []
    for number in range(count):
        phone, call = draw.randrange(8), draw.randrange(4)
        owner = draw.choice(("", f"+25078800000{phone}"))
        channel = draw.choice(("g", "telegram"))
        hop = said(number + 1, f"{channel}:{phone}.{call}", owner, 300 * (1 - number / count))
        slow = draw.choice((900, 900, 2_000_000))
        hops.append(hop._replace(ends=int(draw.random() < 0.2), micros=slow))
    return hops


def under_way(hops: list[Said]) -> set[int]:
    """By the newest row of each call: it is not over, and is the newest on its line."""
    last, newest = {}, {}
    for hop in hops:
        last[hop.session_key] = hop
        newest[line_of(hop.owner, hop.session_key)] = hop.session_key
    return {
        hop.id
        for key, hop in last.items()
        if not hop.ends
        and newest[line_of(hop.owner, key)] == key
        and hop.at_ms >= NOW_MS - SILENT_MAX_S * 1000
    }


def test_a_call_whose_id_comes_again_has_nothing_of_the_one_before() -> None:
    board = Board()
    board.take([said(1, "o:1", FARMER, 9)._replace(micros=2_000_000)])
    board.take_acts([Act(1, "o:1", "taken", "Aline"), Act(2, "o:1", "tagged", "Aline", "money")])
    (before,) = board.standing(NOW_MS).calls
    assert (before.helper, len(before.tags), "slow" in before.risks) == ("Aline", 1, True)
    board.take([said(2, "o:1", TEA, 1)])
    assert board.stamp_of("o:1", NOW_MS - 9000) == (0, 0)
    # Nor what is done in the old one from now on, on its page.
    board.take_acts([Act(3, "o:1", "tagged", "Aline", "money", FARMER)])
    (call,) = board.standing(NOW_MS).calls
    assert (call.id, call.helper, call.tags, call.risks, call.act) == (2, "", (), (), 0)
    assert board.stamp_of("o:1", NOW_MS - 1000) == (2, 0)


@pytest.mark.parametrize("seed", range(20))
def test_calls_under_way_are_those_that_all_hops_say(seed: int) -> None:
    hops, board = drawn(seed, 200), Board()
    for place in range(0, len(hops), 7):
        board.take(hops[place : place + 7])
        board.standing(hops[min(place + 6, len(hops) - 1)].at_ms)
    standing = board.standing(NOW_MS)
    assert {call.id for call in standing.calls} == under_way(hops)
    assert standing.count == len(under_way(hops)) < SHOWN_MAX
    assert standing.hops_a_minute == sum(hop.at_ms >= NOW_MS - 60_000 for hop in hops)


def test_a_call_that_stands_still_is_shown_as_it_was_but_for_what_changed() -> None:
    board = Board()
    board.take([said(1, "g:1")])
    (first,), (later,) = board.standing(NOW_MS).calls, board.standing(NOW_MS + 70_000).calls
    assert "0788123456" not in first.shown and first.shown == later.shown
    assert (first.risks, later.risks) == ((), ("silent",))
    assert (first.silent_s, later.silent_s) == (1, 71)
    board.take_acts([Act(7, "g:1", "taken", "Aline")])
    (helped,) = board.standing(NOW_MS + 71_000).calls
    assert (helped.helper, helped.act, helped.silent_s) == ("Aline", 7, 72)
    # A gateway's id comes again: nobody has taken that call.
    board.take([said(2, "g:1", "+250788000002")])
    (again,) = board.standing(NOW_MS).calls
    assert (again.helper, again.act) == ("", 0)


def test_calls_that_are_over_are_not_gone_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hops wait meanwhile, and of ten calls of the last minutes nine are over."""
    board, looked_at = Board(), []
    board.take(said(n, f"g:{n}", "+250788000001") for n in range(1, 500))
    board.take(said(n, f"g:{n}")._replace(ends=1) for n in range(500, 1000))

    def counted(call: boards._Call, now_ms: int) -> tuple[str, ...]:
        looked_at.append(call)
        return ()

    monkeypatch.setattr(boards._Call, "risks", counted)
    monkeypatch.setattr(boards, "line_of", lambda *_of: looked_at.append(_of))
    assert board.standing(NOW_MS).count == len(looked_at) == 1
