"""What staff write freely about people, as it is kept: in it is no PIN and no whole number."""

from __future__ import annotations

from bot.masking import without_numbers
from bot.pins_in_texts import without_pins


def kept_text(text: str, most: int) -> str:
    """The text on one line, what may be a PIN cut out, numbers masked, at most `most` signs."""
    return without_numbers(without_pins(" ".join(text.split())))[:most]
