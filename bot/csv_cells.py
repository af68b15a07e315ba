"""Cells of a table as a spreadsheet writes and opens it: read from a file, and never computed."""

from __future__ import annotations

import re
import unicodedata

_SEPARATORS = re.compile("[,;\t]")
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


def first_cells(raw: bytes) -> list[str]:
    """The first cell of each line of a CSV file; more columns are passed by.

    Raises ValueError for what is no text, such as a spreadsheet's own file.
    """
    text = raw.decode("utf-8-sig")
    if "\x00" in text:
        raise ValueError("no text")
    return [_SEPARATORS.split(line, maxsplit=1)[0].strip(" \"'") for line in text.splitlines()]
