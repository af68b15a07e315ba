"""A statement as a table for a spreadsheet, which must take no cell of it for a formula."""

from __future__ import annotations

import csv
import io

from bot.market.statement import Cell, Statement

# What a spreadsheet may take for the beginning of a formula, also after a tab, or full-width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


def as_csv(statement: Statement) -> bytes:
    """The table with its heads and its total, in UTF-8 with the mark that spreadsheets look for."""
    said = io.StringIO(newline="")
    table = csv.writer(said)
    for row in (statement.heads, *statement.rows):
        table.writerow([harmless(cell) for cell in row])
    empty = [""] * (len(statement.heads) - 2)
    table.writerow([statement.total, *empty, statement.received_rwf])
    return said.getvalue().encode("utf-8-sig")


def harmless(cell: Cell) -> Cell:
    """A cell as it can be shown: a text that could be a formula has an apostrophe before it."""
    if isinstance(cell, str) and cell.lstrip(" \u00a0").startswith(_FORMULA):
        return f"'{cell}"
    return cell
