"""A clock that is set back is noticed once; one that runs, or is set forward, is not."""

from __future__ import annotations

import time

import pytest

from bot.operations.clock_watch import ClockWatch


def test_what_was_before_this_process_counts_as_set_back_until_it_is_seen() -> None:
    clock = ClockWatch()
    assert clock.was_set_back() and clock.was_set_back()
    clock.seen()
    assert not clock.was_set_back()


@pytest.mark.parametrize(
    ("moved_s", "noticed"),
    [(-3 * 86_400, True), (-31, True), (-5, False), (0, False), (600, False)],
)
def test_a_clock_that_is_set_back_is_noticed(
    monkeypatch: pytest.MonkeyPatch, moved_s: float, noticed: bool
) -> None:
    clock, real = ClockWatch(), time.time
    clock.seen()
    monkeypatch.setattr(time, "time", lambda: real() + moved_s)
    assert clock.was_set_back() is noticed
    # Until it is seen to, it stays so.
    assert clock.was_set_back() is noticed
    clock.seen()
    assert not clock.was_set_back()


def test_set_forward_and_then_back_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, real = ClockWatch(), time.time
    clock.seen()
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    assert not clock.was_set_back()
    monkeypatch.setattr(time, "time", real)
    assert clock.was_set_back()
