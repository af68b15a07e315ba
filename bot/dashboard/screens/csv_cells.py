"""Lines of CSV that a spreadsheet shows as they are: no cell of them is ever computed."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime

Cell = str | int | datetime | date | None
# What begins a formula, in any width; and a quote, behind which some programs look for one.
_STARTS = frozenset("=+-@|")
_BEFORE = re.compile(r"[\s\x00-\x1f\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\"'`]*")


def lines_of(rows: Iterable[Iterable[Cell]]) -> str:
    """Lines after RFC 4180: texts quoted, whole numbers as numbers, moments in UTC."""
    into = io.StringIO()
    writer = csv.writer(into, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([_plain(cell) for cell in cells] for cells in rows)
    return into.getvalue()


def safe_text(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet might compute it."""
    begun = _BEFORE.match(text)
    first = unicodedata.normalize("NFKC", text[begun.end() if begun else 0 :][:1])
    starts = first[:1] in _STARTS if first else False
    return f"'{text}" if starts or text[:1] in {"\t", "\r", "\n"} else text


def _plain(cell: Cell) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat(timespec="seconds") if isinstance(cell, datetime) else str(cell)
    return safe_text(cell.replace("\0", "")) if isinstance(cell, str) else cell
