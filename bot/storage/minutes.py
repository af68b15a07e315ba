"""Minute by minute what each process has answered, and how fast: small rows that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select, update

from bot.storage.schema import minutes

# The steps in which times are counted; the last one is whatever took longer.
BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_ANSWERED = ("new", "repeat", "shed")


def no_times() -> list[int]:
    """A count for each step, all zero."""
    return [0] * (len(BOUNDS_S) + 1)


@dataclass(slots=True)
class Minute:
    """One minute, a number since 1970; of one process, or of several together.

    `kinds` are hops by kind, `times` how many fell into each step, `lag_ms` the longest the loop
    kept anybody waiting. What waits in the records is the same for every process: the most counts.
    """

    minute: int
    kinds: Counter[str] = field(default_factory=Counter)
    times: list[int] = field(default_factory=no_times)
    faults: int = 0
    lag_ms: int = 0
    late_s: int = 0
    dead: int = 0
    unknown: int = 0
    flagged: int = 0

    @property
    def answered(self) -> int:
        """How many hops got an answer, also the same one again, and also to try later."""
        return sum(self.kinds[kind] for kind in _ANSWERED)

    def add(self, other: Minute) -> None:
        """Put another process's, or another minute's, figures into these."""
        self.kinds += other.kinds
        self.times = [mine + theirs for mine, theirs in zip(self.times, other.times, strict=True)]
        self.faults += other.faults
        for name in ("lag_ms", "late_s", "dead", "unknown", "flagged"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))


def percentile_ms(times: Sequence[int], share: float) -> float | None:
    """How many milliseconds this share of hops took at most, about; None of no hops at all."""
    total = sum(times)
    if not total:
        return None
    wanted, below = share * total, 0
    for place, count in enumerate(times):
        if count and below + count >= wanted:
            low = BOUNDS_S[place - 1] if place else 0.0
            high = BOUNDS_S[min(place, len(BOUNDS_S) - 1)]
            return 1000 * (low + (high - low) * (wanted - below) / count)
        below += count
    return 1000 * BOUNDS_S[-1]


def keep(db: Connection, worker: str, minute: Minute) -> None:
    """Write a process's minute, or write it anew."""
    values = {
        "kinds": dict(minute.kinds),
        "times": minute.times,
        **{name: getattr(minute, name) for name in _FIGURES},
    }
    mine = (minutes.c.minute == minute.minute) & (minutes.c.worker == worker)
    if not db.execute(update(minutes).where(mine).values(values)).rowcount:
        db.execute(insert(minutes).values(values | {"minute": minute.minute, "worker": worker}))


def found(db: Connection, first: int, before: int) -> list[Minute]:
    """Each process's minutes from `first` on, without `before`; in their order."""
    query = select(minutes).where(minutes.c.minute >= first, minutes.c.minute < before)
    return [
        Minute(
            row["minute"],
            Counter(row["kinds"]),
            list(row["times"]),
            *(row[name] for name in _FIGURES),
        )
        for row in db.execute(query.order_by(minutes.c.minute)).mappings()
    ]


def together(some: Iterable[Minute], step: int = 1) -> list[Minute]:
    """The minutes of all processes, each `step` of them as one; those that nobody wrote are not."""
    steps: dict[int, Minute] = {}
    for one in some:
        begins = one.minute - one.minute % step
        steps.setdefault(begins, Minute(begins)).add(one)
    return [steps[begins] for begins in sorted(steps)]


def forget_before(db: Connection, minute: int) -> None:
    """Drop what is older; run each minute, it drops a row for each process."""
    db.execute(delete(minutes).where(minutes.c.minute < minute))


_FIGURES = ("faults", "lag_ms", "late_s", "dead", "unknown", "flagged")
