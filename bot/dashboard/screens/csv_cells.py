"""Lines of CSV that a spreadsheet shows as they are: no cell of them is ever computed."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime

Cell = str | int | datetime | date | None
# What begins a formula, in any width; and a quote, behind which some programs look for one.
_STARTS = frozenset("=+-@|%")
_UNSEEN = "\ufeff\u200b\u200c\u200d\u2060\u00ad\"'`"


def line_of(cells: Iterable[Cell]) -> str:
    """One line after RFC 4180: texts quoted, whole numbers as numbers, moments in UTC."""
    into = io.StringIO()
    csv.writer(into, quoting=csv.QUOTE_NONNUMERIC).writerow([_plain(cell) for cell in cells])
    return into.getvalue()


def safe_text(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet might compute it."""
    first = unicodedata.normalize("NFKC", text.lstrip().lstrip(_UNSEEN).lstrip()[:1])
    starts = first[:1] in _STARTS if first else False
    return f"'{text}" if starts or text[:1] in {"\t", "\r", "\n"} else text


def _plain(cell: Cell) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat(timespec="seconds") if isinstance(cell, datetime) else str(cell)
    return safe_text(cell.replace("\0", "")) if isinstance(cell, str) else cell
