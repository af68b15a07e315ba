"""A small edit of a function's text, put in the place of the function that is running."""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any


class Rotten(Exception):
    """The text to be changed is not there any more: the switch must be written anew."""


@dataclass(frozen=True, slots=True)
class Edit:
    """In `function`, the old text of each change becomes the new; it must stand there once."""

    function: Callable[..., Any]
    changes: tuple[tuple[str, str], ...]

    def code(self) -> CodeType:
        """The code with the bug in it. Raises `Rotten`."""
        source = textwrap.dedent(inspect.getsource(self.function))
        for old, new in self.changes:
            if source.count(old) != 1:
                raise Rotten(f"{old!r} stands {source.count(old)} times in {self._name}")
            source = source.replace(old, new)
        module = compile(
            source, inspect.getfile(self.function), "exec",
            flags=__future__.annotations.compiler_flag, dont_inherit=True,
        )  # fmt: skip
        return next(
            one for one in module.co_consts
            if isinstance(one, CodeType) and one.co_name == self.function.__name__
        )  # fmt: skip

    def plant(self) -> None:
        """Whoever calls the function from now on meets the bug. Raises `Rotten`."""
        # Its code and not its name is replaced, so that it does not matter who imported it how.
        self.function.__code__ = self.code()

    @property
    def _name(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"
