"""Moments on a page: in the hub's time, and in UTC for whoever points at one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

_TIME = Markup('<time datetime="{}Z" title="{} UTC">{}</time>')


class Sentence(str):
    """A sentence of a template, into which moments may be put."""

    __slots__ = ()

    def format(self, *args: Any, **values: Any) -> str:
        """The sentence with these values: Markup when one of them is, all else escaped."""
        if any(isinstance(value, Markup) for value in (*args, *values.values())):
            return Markup.escape(str(self)).format(*args, **values)
        return super().format(*args, **values)


def with_utc(moment: datetime, shown: str) -> Markup:
    """What is shown of a moment, as an element that names it in UTC, to the second."""
    utc = moment.astimezone(UTC)
    return _TIME.format(f"{utc:%Y-%m-%dT%H:%M:%S}", f"{utc:%d/%m/%Y, %H:%M:%S}", shown)
