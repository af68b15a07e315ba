"""A clock that is set back is noticed once; one that runs, or is set forward, is not."""

from __future__ import annotations

import time

import pytest

from bot.operations.set_back import SetBack


def test_what_was_before_this_process_counts_as_set_back_until_it_is_seen() -> None:
    clock = SetBack()
    assert clock.is_so() and clock.is_so()
    clock.seen()
    assert not clock.is_so()


@pytest.mark.parametrize(
    ("moved_s", "noticed"),
    [(-3 * 86_400, True), (-31, True), (-5, False), (0, False), (600, False)],
)
def test_a_clock_that_is_set_back_is_noticed(
    monkeypatch: pytest.MonkeyPatch, moved_s: float, noticed: bool
) -> None:
    clock, real = SetBack(), time.time
    clock.seen()
    monkeypatch.setattr(time, "time", lambda: real() + moved_s)
    assert clock.is_so() is noticed
    # Until it is seen to, it stays so.
    assert clock.is_so() is noticed
    clock.seen()
    assert not clock.is_so()


def test_set_forward_and_then_back_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, real = SetBack(), time.time
    clock.seen()
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    assert not clock.is_so()
    monkeypatch.setattr(time, "time", real)
    assert clock.is_so()
