"""The rule by which an order is offered, as plain arithmetic: the same for every farmer.

1. Asked can be whoever is registered, grows the crop, holds their number, and was not asked for
   this order before; who had not answered when the hub called it off counts as not asked. Who has
   told a stock of the product is asked for no more than what of it is neither promised nor offered
   elsewhere, and only in the grade that the order wants. Where an order names a grade, only who
   offers that grade is asked; what is handed over is no stock.
2. First those whose stock is known, then those of the order's district, then those whose turn was
   longest ago; who was never asked stands before all others.
3. The order is cut into parts as equal as they can be, none smaller than the smallest part, and
   the first in line get them. What a small stock leaves over goes to the others in the same line.
4. No part brings more than may be paid out at once: what that leaves over goes to others, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who can be asked. `free_g` is None where no stock was told."""

    contact_id: int
    free_g: int | None
    near: bool
    last_turn: int

    def most(self, pack_g: int, packs: int) -> int:
        """How many packs they can be asked for, of `packs`."""
        return packs if self.free_g is None else min(packs, self.free_g // pack_g)


@dataclass(frozen=True, slots=True)
class Part:
    """What one farmer is offered."""

    candidate: Candidate
    packs: int
    place: int


def cut(
    packs: int,
    pack_g: int,
    line: Sequence[Candidate],
    smallest_packs: int,
    largest_packs: int | None = None,
) -> list[Part]:
    """The parts of `packs` packs for those who stand in `line`, in that order.

    They are never more than `packs` together, nor more for anyone than their free stock or than
    `largest_packs`, where that is given.
    """
    largest = packs if largest_packs is None else min(packs, largest_packs)
    able = [one for one in line if one.most(pack_g, largest) > 0]
    parts_max = max(1, packs // smallest_packs)
    asked = able[:parts_max]
    given = dict.fromkeys(range(len(asked)), 0)
    left = packs
    while left:
        most = [one.most(pack_g, largest) for one in asked]
        room = [place for place, _one in enumerate(asked) if given[place] < most[place]]
        if not room:
            # The first ones cannot take all: the next in line is asked too.
            if len(asked) == len(able):
                break
            given[len(asked)] = 0
            asked = able[: len(asked) + 1]
            continue
        share, rest = divmod(left, len(room))
        for number, place in enumerate(room):
            wish = share + (1 if number < rest else 0)
            more = min(wish, most[place] - given[place])
            given[place] += more
            left -= more
    return [Part(one, given[place], place + 1) for place, one in enumerate(asked) if given[place]]
