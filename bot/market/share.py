"""Who gets what of the price: the published example, and each own order to the last franc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Example:
    """The published example, in US cents: a claim with its source and date, never a promise."""

    sale_cents: int
    farmer_cents: int
    before_cents: int
    source: str
    day: date

    @property
    def rest_cents(self) -> int:
        """What of the sale price does not reach the farmer."""
        return self.sale_cents - self.farmer_cents

    @property
    def gain_cents(self) -> int:
        """What the farmer gets more than before."""
        return self.farmer_cents - self.before_cents


# Sale at 16 USD and the 12 for the farmer: the 2018 announcement; 8 to 12 as told to the New Times
# in May 2020. The units differ between the sources, so it is shown as an example only.
EXAMPLE = Example(1600, 1200, 800, "New Times", date(2020, 5, 1))


class _Deduction(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def amount_rwf(self) -> int: ...


class _Priced(Protocol):
    @property
    def price_rwf(self) -> int: ...
    @property
    def sale_price_rwf(self) -> int: ...
    @property
    def deductions(self) -> Sequence[_Deduction]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One deduction: what for, to whom, and how much."""

    name: str
    to: str
    amount_rwf: int


@dataclass(frozen=True, slots=True)
class Split:
    """How the sale price of an order's pieces is shared; it adds up to the last franc."""

    sale_price_rwf: int
    lines: tuple[Line, ...]
    net_rwf: int


class DoesNotAddUp(Exception):
    """An order whose lines do not add up to its sale price; it must never be shown or offered."""


def split(order: _Priced, pieces: int) -> Split:
    """The shares of `pieces` packs of this order. Raises `DoesNotAddUp`."""
    lines = tuple(Line(d.name, d.to, d.amount_rwf * pieces) for d in order.deductions)
    taken_rwf = sum(line.amount_rwf for line in lines)
    sale_rwf, net_rwf = order.sale_price_rwf * pieces, order.price_rwf * pieces
    if taken_rwf + net_rwf != sale_rwf or any(line.amount_rwf < 0 for line in lines):
        raise DoesNotAddUp(f"{net_rwf} + {taken_rwf} is not {sale_rwf}")
    return Split(sale_rwf, lines, net_rwf)
