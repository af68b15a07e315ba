"""The hub's float on one day, from the ledger: what was there, came, left, cost, and is there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, case, func, select

from bot.market.ledger import FEES, HUB_FLOAT
from bot.storage.in_lots import AT_ONCE
from bot.storage.records import Records
from bot.storage.schema import ledger_entries, ledger_lines

_PAUSE_S = 0.005


@dataclass(frozen=True, slots=True)
class FloatDay:
    """One day's sheet, in francs. What came and left is without the operators' fees."""

    day: date
    opening_rwf: int = 0
    in_rwf: int = 0
    out_rwf: int = 0
    fees_rwf: int = 0

    @property
    def closing_rwf(self) -> int:
        """What is there at the end of the day, or now on a day that is not over."""
        return self.opening_rwf + self.in_rwf - self.out_rwf - self.fees_rwf


async def of_day(records: Records, day: date, timezone: str) -> FloatDay:
    """The sheet of `day` on the clock of `timezone`; read in lots, so that hops have their turn."""
    zone = ZoneInfo(timezone)
    begins = datetime.combine(day, time(), zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    lowest, highest = await records.read(_first_and_last)
    sums = [0, 0, 0, 0]
    while lowest <= highest:
        lot = partial(_lot, lowest=lowest, highest=min(highest, lowest + AT_ONCE - 1))
        found = await records.read(partial(lot, begins=begins, ends=ends))
        sums = [one + more for one, more in zip(sums, found, strict=True)]
        lowest += AT_ONCE
        await asyncio.sleep(_PAUSE_S)
    return FloatDay(day, *sums)


def _first_and_last(db: Connection) -> tuple[int, int]:
    number = ledger_entries.c.id
    lowest, highest = db.execute(select(func.min(number), func.max(number))).one()
    return (0, -1) if lowest is None else (int(lowest), int(highest))


def _lot(
    db: Connection, lowest: int, highest: int, begins: datetime, ends: datetime
) -> tuple[int, int, int, int]:
    """Of these entries what was in the float before, came, left, and was paid as fees."""
    line = ledger_lines.c
    of_float = func.sum(case((line.account == HUB_FLOAT, line.amount_rwf), else_=0))
    of_fees = func.sum(case((line.account == FEES, line.amount_rwf), else_=0))
    entry = (
        select(ledger_entries.c.at, of_float.label("net"), of_fees.label("fees"))
        .join(ledger_lines, line.entry_id == ledger_entries.c.id)
        .where(ledger_entries.c.id.between(lowest, highest), ledger_entries.c.at < ends)
        .where(line.account.in_((HUB_FLOAT, FEES)))
        .group_by(ledger_entries.c.id, ledger_entries.c.at)
        .subquery()
        .c
    )
    moved, today = entry.net + entry.fees, entry.at >= begins
    sums = (
        func.sum(case((entry.at < begins, entry.net), else_=0)),
        func.sum(case((today & (moved > 0), moved), else_=0)),
        func.sum(case((today & (moved < 0), -moved), else_=0)),
        func.sum(case((today, entry.fees), else_=0)),
    )
    before, came, left, fees = (int(one or 0) for one in db.execute(select(*sums)).one())
    return before, came, left, fees
