"""Last week's price beside this week's, of one place and one source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.market.prices import Price

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Weeks:
    """The newest price of this week and of the last, where there is one; weeks begin on Monday."""

    monday: date
    this: Price | None
    last: Price | None

    @property
    def sunday(self) -> date:
        """The last day of this week; a week before it that of the last."""
        return self.monday + timedelta(days=6)

    @property
    def change_rwf(self) -> int | None:
        """How many francs more than last week; None where one of the two is missing."""
        if self.this is None or self.last is None:
            return None
        return self.this.amount_rwf - self.last.amount_rwf


def compare(newest_first: Sequence[Price], today: date) -> Weeks:
    """The two weeks on `today`. Prices whose day lies ahead do not count yet."""
    monday = today - timedelta(days=today.weekday())
    this = next((p for p in newest_first if monday <= p.valid_on <= today), None)
    last = next((p for p in newest_first if monday - _WEEK <= p.valid_on < monday), None)
    return Weeks(monday, this, last)
