"""How much a seller may ask local buyers for, and how often a buyer's phone may ring."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SaleRules:
    """The limits, in francs and within 24 hours; `open_max` is how many may be unanswered at once.

    `buyer_day_max` counts what all sellers together ask one number for: nobody is pestered.
    """

    largest_rwf: int = 500_000
    day_rwf: int = 1_000_000
    open_max: int = 5
    day_max: int = 20
    buyer_day_max: int = 3


USUAL_SALE = SaleRules()
