"""One row of an operator's statement at a time: what it says, or why it cannot be used.

The form is ours and is described in docs/reconciliation.md; each operator's own file is brought
into it first.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal, TextIO

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
    """A row that cannot be compared, and why: its `column`, "" for the whole row, and its cell.

    Its `reference` where that can be read: what it is about is in the statement all the same.
    """

    number: int
    reason: str
    column: str = ""
    cell: str = ""
    reference: str = ""


class StatementProblem(FileProblem):
    """A file that is no statement: what it is, at which line, and in which column if in one."""

    def __init__(
        self, what: str, line: int, column: str, why: Literal["text", "header", "csv"]
    ) -> None:
        super().__init__(what)
        self.line, self.column, self.why = line, column, why


def read_statement(file: Path | TextIO, day: date, timezone: str) -> Iterator[Row | BadRow]:
    """Every row of the file, one at a time; a row of another day is a bad one.

    Raises `FileProblem` when the file cannot be read, as a `StatementProblem` where its header is
    not the documented one or it is no CSV.
    """
    name = file.name if isinstance(file, Path) else "the statement"
    reader: csv.DictReader[str] | None = None
    try:
        with _opened(file) as lines:
            reader = csv.DictReader(lines, strict=True)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
            if missing:
                what = (
                    f"{name} has no column {missing[0]!r}: its first line must name "
                    f"{','.join(COLUMNS)}; see docs/reconciliation.md"
                )
                raise StatementProblem(what, 1, missing[0], "header")
            for row in reader:
                yield _read(reader.line_num, row, day, timezone)
    except UnicodeDecodeError as error:
        raise FileProblem(f"{name} is not UTF-8 text: save it as CSV UTF-8") from error
    except csv.Error as error:
        # Its own count: that of the dictionaries stays at the row before.
        line = reader.reader.line_num if reader is not None else 1
        what = f"{name} is broken near line {line}: {error}"
        raise StatementProblem(what, line, "", "csv") from error
    except OSError as error:
        raise FileProblem(f"cannot open {name}: {error.strerror}") from error


def _opened(file: Path | TextIO) -> AbstractContextManager[TextIO]:
    if isinstance(file, Path):
        return file.open(encoding="utf-8-sig", newline="")
    return nullcontext(file)


def _read(number: int, row: dict[str, str | None], day: date, timezone: str) -> Row | BadRow:
    # Cells past the last column come under None, a missing cell as None.
    if None in row or any(row[name] is None for name in COLUMNS):
        return BadRow(number, "more or fewer cells than the header")
    cells = {name: (row[name] or "").strip() for name in COLUMNS}

    def bad(column: str, reason: str) -> BadRow:
        reference = "" if column == "reference" else cells["reference"].lower()
        return BadRow(number, reason, column, cells[column], reference)

    # What no person sees is no reference; NUL among it, which a store refuses.
    if not 0 < len(cells["reference"]) <= 64 or not cells["reference"].isprintable():
        return bad("reference", "no reference of up to 64 signs")
    amount, payee = _AMOUNT.fullmatch(cells["amount"]), _PAYEE.fullmatch(cells["payee"])
    if amount is None:
        return bad("amount", f"amount {cells['amount'][:20]!r} is not a whole number")
    if payee is None:
        return bad("payee", "payee is not a number with its country code")
    status = cells["status"].upper()
    if status not in STATES:
        return bad("status", f"status {status[:20]!r} is none of {', '.join(STATES)}")
    wrong_time = _wrong_time(cells["time"], day, timezone)
    if wrong_time:
        return bad("time", wrong_time)
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
        if moment.tzinfo is None:
            return f"time {text[:30]!r} has no zone, such as +02:00"
        is_of_day = local_day(moment, timezone) == day
    # The first and the last day that there are have no neighbour.
    except (ValueError, OverflowError):
        return f"time {text[:30]!r} is not ISO 8601"
    return "" if is_of_day else f"time {text[:30]!r} is not on {day.isoformat()}"
