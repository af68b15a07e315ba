"""What a product usually costs, so that a slip of the keyboard is never shown as a price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from bot.market.price_import.reading import Row

# Enough of a product's prices for a median; bounded however long the file is.
_SAMPLE_MAX = 2_000
_SAMPLE_MIN = 4


class Usual:
    """The median of each product and kind, from the file itself."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._samples: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._medians: dict[tuple[str, str], int] = {}

    def learn(self, rows: Iterable[Row]) -> None:
        """Take in rows; of a product with very many, an even sample of the newest is kept."""
        for row in rows:
            sample = self._samples[(row.product, row.kind)]
            sample.append(row.amount_rwf)
            if len(sample) > _SAMPLE_MAX:
                del sample[: _SAMPLE_MAX // 2]
        for spot, sample in self._samples.items():
            if len(sample) >= _SAMPLE_MIN:
                self._medians[spot] = int(median(sample))

    def doubt(self, row: Row) -> str:
        """Why this price is not believed, or ""."""
        usual_rwf = self._medians.get((row.product, row.kind))
        if usual_rwf is None or not usual_rwf:
            return ""
        if row.amount_rwf > usual_rwf * self._factor:
            return f"{row.amount_rwf} Frw is over {self._factor:g} times the usual {usual_rwf} Frw"
        if row.amount_rwf * self._factor < usual_rwf:
            return f"{row.amount_rwf} Frw is under 1/{self._factor:g} of the usual {usual_rwf} Frw"
        return ""
