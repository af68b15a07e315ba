"""A typed quantity with its unit, as people here write it: `12 kg`, `ibiro 12`, `50 paquets`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.i18n.formats import read_amount

Measure = Literal["", "kg", "pack", "piece", "frw"]

# A sack holds 50 to 100 kg, and "sac" is also said of a retail pack: neither is a measure here.
_WORDS: dict[Measure, str] = {
    "kg": r"kgs?|kilos?|kilogram(?:me)?s?|ibiro|ikiro|ibilo|ikilo",
    "pack": r"packs?|packets?|paquets?|ama?paki|ipaki|udupaki|agapaki",
    "piece": r"pieces?|pièces?|pcs|baskets?|paniers?|uduseke|agaseke",
    "frw": r"frw|rwf|francs?|amafaranga",
}
_UNIT = "|".join(f"(?P<{name}%s>{words})" for name, words in _WORDS.items())
_TYPED = re.compile(
    rf"(?:(?:{_UNIT % ((1,) * 4)})\s*)?([0-9][0-9.,'\s]*?)\s*(?:(?:{_UNIT % ((2,) * 4)})\.?)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A whole number and what it counts, "" where no unit was typed."""

    count: int
    measure: Measure


def read_quantity(typed: str) -> Quantity | None:
    """A typed quantity, or None for anything that could be read in two ways.

    The number is read as `read_amount` does; a unit may stand before or after it, not both.
    """
    found = _TYPED.fullmatch(typed.strip())
    if found is None:
        return None
    groups = found.groupdict()
    measures = [name for name in _WORDS for side in "12" if groups[f"{name}{side}"]]
    digits = next(text for text in found.groups() if text is not None and text[0].isdecimal())
    count = read_amount(digits)
    if count is None or len(measures) > 1:
        return None
    return Quantity(count, measures[0] if measures else "")
