"""A small XML body read by element name, with nothing in it that could expand or reach out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from bot.ussd.gateway import BadRequest

# Elements we know stand two deep.
_DEEPEST = 16


@dataclass(slots=True)
class FlatXml:
    """The root's name and attributes, and the text of each element; names in small letters."""

    root: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)

    def given(self, name: str) -> str | None:
        """The text of this element, None without one. Raises `BadRequest` for two of them."""
        if name in self.twice:
            raise BadRequest(f"<{name}> is given twice")
        return self.values.get(name)

    def value(self, name: str) -> str:
        """The text of this element, "" when it is empty or missing. Raises as `given` does."""
        return self.given(name) or ""


def read_flat_xml(body: bytes) -> FlatXml:
    """The elements in `body`. Raises `BadRequest` for a DTD and for broken XML."""
    reader, parser = _Reader(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_dtd
    parser.StartElementHandler = reader.begins
    parser.CharacterDataHandler = reader.says
    parser.EndElementHandler = reader.ends
    try:
        # Whatever encoding it claims, it is UTF-8: others hide from those who look at it first.
        parser.Parse(body.decode(), True)
    except (expat.ExpatError, ValueError):
        raise BadRequest("the body is not XML in UTF-8") from None
    return reader.found


def _refuse_dtd(*_declared: object) -> NoReturn:
    raise BadRequest("a DTD is not spoken here")


class _Reader:
    """Gathers the text of each element; what stands between elements is nothing."""

    def __init__(self) -> None:
        self.found = FlatXml()
        self._open: list[str] = []
        self._texts: list[list[str]] = []

    def begins(self, tag: str, attributes: dict[str, str]) -> None:
        name = _plain(tag)
        if len(self._open) >= _DEEPEST:
            raise BadRequest("the elements stand too deep")
        if not self._open:
            self.found.root = name
            self.found.attributes = {_plain(key): value for key, value in attributes.items()}
        self._open.append(name)
        self._texts.append([])

    def says(self, text: str) -> None:
        self._texts[-1].append(text)

    def ends(self, _tag: str) -> None:
        name, text = self._open.pop(), "".join(self._texts.pop()).strip()
        if name in self.found.values:
            self.found.twice.add(name)
        self.found.values[name] = text


def _plain(tag: str) -> str:
    return tag.rpartition(":")[2].lower()
