"""One row of an operator's statement at a time: what it says, or why it cannot be used.

The form is ours and is described in docs/reconciliation.md; each operator's own file is brought
into it first.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from bot.i18n.formats import local_day
from bot.market.price_import import FileProblem

COLUMNS = ("reference", "transaction_id", "amount", "currency", "payee", "status", "time")
STATES = ("SUCCESSFUL", "FAILED", "PENDING")
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.0{1,2})?", re.ASCII)
_PAYEE = re.compile(r"\+?([1-9][0-9]{7,14})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One payment as the operator states it; `amount` is in whole units of `currency`."""

    number: int
    reference: str
    transaction_id: str
    amount: int
    currency: str
    payee_msisdn: str
    status: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be compared, and why."""

    number: int
    reason: str


def read_statement(path: Path, day: date, timezone: str) -> Iterator[Row | BadRow]:
    """Every row of the file, one at a time; a row of another day is a bad one.

    Raises `FileProblem` when the file cannot be read or its header is not the documented one.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise FileProblem(
                    f"{path.name} has no column {missing[0]!r}: its first line must name "
                    f"{','.join(COLUMNS)}; see docs/reconciliation.md"
                )
            for row in reader:
                yield _read(reader.line_num, row, day, timezone)
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path.name} is not UTF-8 text: save it as CSV UTF-8") from error
    except csv.Error as error:
        raise FileProblem(f"{path.name} is broken near line {reader.line_num}: {error}") from error
    except OSError as error:
        raise FileProblem(f"cannot open {path.name}: {error.strerror}") from error


def _read(number: int, row: dict[str, str | None], day: date, timezone: str) -> Row | BadRow:
    # Cells past the last column come under None, a missing cell as None.
    if None in row or any(row[name] is None for name in COLUMNS):
        return BadRow(number, "more or fewer cells than the header")
    cells = {name: (row[name] or "").strip() for name in COLUMNS}
    if not 0 < len(cells["reference"]) <= 64:
        return BadRow(number, "no reference of up to 64 signs")
    amount, payee = _AMOUNT.fullmatch(cells["amount"]), _PAYEE.fullmatch(cells["payee"])
    if amount is None:
        return BadRow(number, f"amount {cells['amount'][:20]!r} is not a whole number")
    if payee is None:
        return BadRow(number, "payee is not a number with its country code")
    status = cells["status"].upper()
    if status not in STATES:
        return BadRow(number, f"status {status[:20]!r} is none of {', '.join(STATES)}")
    wrong_time = _wrong_time(cells["time"], day, timezone)
    if wrong_time:
        return BadRow(number, wrong_time)
    return Row(
        number,
        cells["reference"].lower(),
        cells["transaction_id"][:64],
        int(amount.group(1)),
        cells["currency"].upper(),
        f"+{payee.group(1)}",
        status,
    )


def _wrong_time(text: str, day: date, timezone: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return f"time {text[:30]!r} is not ISO 8601"
    if moment.tzinfo is None:
        return f"time {text[:30]!r} has no zone, such as +02:00"
    if local_day(moment, timezone) != day:
        return f"time {text[:30]!r} is not on {day.isoformat()}"
    return ""
