"""The note that a payment carries to a phone."""

from __future__ import annotations

import re

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ]")


def plain(note: str) -> str:
    """A note as operators take it everywhere: letters, digits and blanks."""
    return _NOT_PLAIN.sub(" ", note)
