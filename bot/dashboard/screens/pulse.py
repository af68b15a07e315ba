"""How fast and how well hops were answered lately: of all processes, minute by minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.dashboard.screens.chart import Points
from bot.storage import minutes
from bot.storage.minutes import Minute, percentile_ms
from bot.storage.records import Records

# A day of one process is some 1,440 rows: a few at a time, so that callers have their turn.
_LOT_MINUTES, _PAUSE_S = 240, 0.005
_LATELY = 5


@dataclass(frozen=True, slots=True)
class Pulse:
    """Steps of `step` minutes from `first` on; None where no process wrote anything.

    `lately` are the last few minutes together, and what waits as it stands in the newest.
    """

    first: int
    step: int
    steps: list[Minute | None]
    lately: Minute

    def line(self, of: Callable[[Minute], float | None]) -> Points:
        """One number of each step."""
        return [None if one is None else of(one) for one in self.steps]


async def read(records: Records, count: int, step: int) -> Pulse:
    """The last `count` steps of `step` minutes, the one under way too. Raises `RecordsDown`."""
    last = int(time.time() // 60)
    first = last - last % step - (count - 1) * step
    rows: list[Minute] = []
    for begins in range(first, last + 1, _LOT_MINUTES):
        ends = min(begins + _LOT_MINUTES, last + 1)
        found = await records.read(partial(minutes.found, first=begins, before=ends))
        rows += minutes.together(found)
        await asyncio.sleep(_PAUSE_S)
    known = {one.minute: one for one in minutes.together(rows, step)}
    lately = Minute(last)
    for row in rows:
        if row.minute > last - _LATELY:
            lately.add(row)
    if rows:
        # What waits is as it stands, not as it was at its worst.
        for name in ("late_s", "dead", "unknown", "flagged"):
            setattr(lately, name, getattr(rows[-1], name))
    steps = [known.get(first + place * step) for place in range(count)]
    return Pulse(first, step, steps, lately)


def p(share: float) -> Callable[[Minute], float | None]:
    """How many milliseconds this share of a step's hops took at most."""
    return lambda one: percentile_ms(one.times, share)


def a_second(step: int) -> Callable[[Minute], float | None]:
    """Hops answered a second."""
    return lambda one: one.answered / (60 * step)


def share_of(count: int, one: Minute) -> float:
    """How many of a hundred hops; 0 of none."""
    return 100 * count / one.answered if one.answered else 0.0


def faulty(one: Minute) -> float:
    """Hops of a hundred that ended in a fault of ours."""
    return share_of(one.faults, one)
