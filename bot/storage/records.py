"""The contract of the records: the same work on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    # Only named here: a command that has no records must not wait for it.
    from sqlalchemy import Connection

T = TypeVar("T")


class RecordsDown(Exception):
    """The records cannot be reached or written now; nothing was changed."""


class TooLong(RecordsDown):
    """The work took longer than any may, and was cut off; the records themselves are there."""


class Unsure(RecordsDown):
    """The records were lost while they committed: whether they did, only they can tell."""


class Records(Protocol):
    """Where people, orders and money are kept.

    `work` is a plain function over a SQLAlchemy Core `Connection`, written once for both stores.
    It must do no waiting of its own: on SQLite it runs on the one writing thread.
    """

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` for its answer; it must change nothing. Raises `RecordsDown`."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and return once it is safely committed.

        An exception of `work` undoes all it did and is raised here. Raises `RecordsDown` when
        nothing was changed, and `Unsure` when that is not known.
        """
        ...

    async def close(self) -> None:
        """Finish what was asked and let go of every connection."""
        ...
