"""A statement as a table for a spreadsheet, which must take no cell of it for a formula."""

from __future__ import annotations

import csv
import io

from bot.csv_cells import safe_text
from bot.market.statement import Cell, Statement


def as_csv(statement: Statement) -> bytes:
    """The table with its heads and its total, in UTF-8 with the mark that spreadsheets look for."""
    said = io.StringIO(newline="")
    table = csv.writer(said)
    for row in (statement.heads, *statement.rows):
        table.writerow([harmless(cell) for cell in row])
    empty = [""] * (len(statement.heads) - 2)
    table.writerow([harmless(statement.total), *empty, statement.received_rwf])
    return said.getvalue().encode("utf-8-sig")


def harmless(cell: Cell) -> Cell:
    """A cell as it can be shown: a text that could be a formula has an apostrophe before it."""
    return safe_text(cell) if isinstance(cell, str) else cell
