"""What became of the rows of a file: taken, skipped, flagged, each with its reason."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

_NUMBERS_MAX = 5


@dataclass(slots=True)
class Summary:
    """Counts by reason, with the first line numbers of each."""

    taken: int = 0
    rounded: int = 0
    skipped: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    flagged: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def rows(self) -> int:
        """All rows seen."""
        return self.taken + _count(self.skipped) + _count(self.flagged)

    def lines(self) -> list[tuple[str, int, str]]:
        """(what, how many, why and where) for a table."""
        found = [("taken", self.taken, "")]
        if self.rounded:
            found.append(("rounded", self.rounded, "to whole francs, half up (among the taken)"))
        for what, reasons in (("skipped", self.skipped), ("flagged", self.flagged)):
            for reason, numbers in reasons.items():
                where = ", ".join(map(str, numbers[:_NUMBERS_MAX]))
                more = ", …" if len(numbers) > _NUMBERS_MAX else ""
                found.append((what, len(numbers), f"{reason} (line {where}{more})"))
        return found


def _count(reasons: dict[str, list[int]]) -> int:
    return sum(len(numbers) for numbers in reasons.values())
