"""What the address of a list asks for: its filters, and after which row it goes on."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlencode

from aiohttp import web

PAGE = 50
SEARCH_MOST = 100
_ID_DIGITS = 18


def text_asked(request: web.Request, name: str) -> str:
    """What was typed into a search, at most `SEARCH_MOST` signs that every store can keep."""
    asked = request.query.get(name, "")[:SEARCH_MOST]
    return asked.encode("utf-8", "replace").decode().replace("\0", "").strip()


def choice_asked(request: web.Request, name: str, among: Collection[str]) -> str:
    """The filter's value when it is one of these, else ""."""
    asked = request.query.get(name, "")
    return asked if asked in among else ""


def before_asked(request: web.Request) -> int:
    """The id below which the page begins; 0 for the newest."""
    return id_asked(request, "before")


def id_asked(request: web.Request, name: str) -> int:
    """An id in the address; 0 for none."""
    return count_in(request.query.get(name, ""))


def count_in(text: str) -> int:
    """The whole number that a page of ours gave back; 0 for what no page gave."""
    plain = text.isascii() and text.isdecimal() and len(text) <= _ID_DIGITS
    return int(text) if plain else 0


def address(path: str, **values: str | int) -> str:
    """The address of a list with these filters; what is empty is left out."""
    kept = {name: value for name, value in values.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def like(text: str) -> str:
    """A pattern for LIKE with "\\" as its escape that finds this very text anywhere."""
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"
