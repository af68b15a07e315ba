"""Cells of a table as a spreadsheet writes and opens it: read from a file, and never computed."""

from __future__ import annotations

import re
import unicodedata

_SEPARATORS = re.compile("[,;\t]")
# Fewer digits are a day's or a price's, more are an identity card's.
_A_NUMBER = re.compile(r"\+?[0-9]{9,15}")
_BETWEEN = re.compile(r"[\s().-]")
# What begins a formula, in any width; and a quote, behind which some programs look for one.
_STARTS = frozenset("=+-@|%")
_BEFORE = re.compile(r"[\s\x00-\x1f\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\"'`]*")


def safe_text(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet might compute it."""
    # Nearly every cell, and hops wait while a table is written.
    if text[:1].isascii() and text[:1].isalnum():
        return text
    begun = _BEFORE.match(text)
    first = unicodedata.normalize("NFKC", text[begun.end() if begun else 0 :][:1])
    starts = first[:1] in _STARTS if first else False
    return f"'{text}" if starts or text[:1] in {"\t", "\r", "\n"} else text


def number_cells(raw: bytes) -> list[str]:
    """Of each line of a CSV file the first cell with a phone's number, else the line's first cell.

    A list names people before their numbers as often as behind them. Raises ValueError for what
    is no text, such as a spreadsheet's own file.
    """
    text = raw.decode("utf-8-sig")
    if "\x00" in text:
        raise ValueError("no text")
    return [_number_in(line) for line in text.splitlines()]


def _number_in(line: str) -> str:
    cells = [cell.strip(" \"'") for cell in _SEPARATORS.split(line)]
    numbers = (_BETWEEN.sub("", cell) for cell in cells)
    return next(filter(_A_NUMBER.fullmatch, numbers), cells[0])
