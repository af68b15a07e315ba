"""Lines of CSV that a spreadsheet shows as they are: no cell of them is ever computed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime

from bot.csv_cells import safe_text

Cell = str | int | datetime | date | None


def lines_of(rows: Iterable[Iterable[Cell]]) -> str:
    """Lines after RFC 4180: texts quoted, whole numbers as numbers, moments in UTC."""
    into = io.StringIO()
    writer = csv.writer(into, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([_plain(cell) for cell in cells] for cells in rows)
    return into.getvalue()


def _plain(cell: Cell) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat(timespec="seconds") if isinstance(cell, datetime) else str(cell)
    return safe_text(cell.replace("\0", "")) if isinstance(cell, str) else cell
