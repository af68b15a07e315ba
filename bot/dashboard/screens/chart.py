"""Lines over time as paths of an SVG, which need no script; their numbers stand beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 100
_TOP = 4
Points = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """What a line shows, in words of the page's language; its path, and its numbers as texts."""

    words: str
    path: str
    numbers: list[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines on one scale that ends at `most`. `empty` when there is no number at all."""

    key: str
    title: str
    unit: str
    most: str
    lines: list[Line]
    empty: bool


def chart(key: str, title: str, unit: str, lines: Sequence[tuple[str, Points]]) -> Chart:
    """Draw lines that all have a point for each moment, or None where nothing is known."""
    known = [point for _words, points in lines for point in points if point is not None]
    most = max(known, default=0.0)
    drawn = [Line(words, path(points, most), list(map(shown, points))) for words, points in lines]
    return Chart(key, title, unit, shown(most), drawn, not known)


def path(points: Points, most: float) -> str:
    """The line through these points, broken where nothing is known."""
    steps, drawing = [], False
    for place, point in enumerate(points):
        if point is None:
            drawing = False
            continue
        x = WIDTH * (place + 0.5) / len(points)
        y = HEIGHT - (HEIGHT - _TOP) * point / most if most else HEIGHT
        # A point alone is a short stroke, which round ends make a dot.
        steps.append(f"L{x:.1f} {y:.1f}" if drawing else f"M{x:.1f} {y:.1f}h.1")
        drawing = True
    return "".join(steps)


def shown(point: float | None) -> str:
    """A number with as many digits as it is worth."""
    if point is None:
        return "–"
    return f"{point:.0f}" if point >= 10 or point == int(point) else f"{point:.1f}"
