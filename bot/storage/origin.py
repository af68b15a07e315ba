"""Where what is written comes from: the audit keeps it with each line, where it is known."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from bot.storage.records import Records

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """Of a member of staff: their address, and the mark of where they are signed in."""

    ip: str = ""
    session: str = ""


_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=_NOWHERE)


def comes_from(origin: Origin) -> None:
    """What this task writes from here on comes from there."""
    _origin.set(origin)


def ip_now() -> str:
    """The address that what is being written comes from, "" where none is known."""
    return _origin.get().ip


def session_now() -> str:
    """The mark of the session that it comes from, "" where there is none."""
    return _origin.get().session


class WithOrigin:
    """`Records` whose writes know where they come from: they run in a batch, in another's task."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def read(self, work: Callable[[Connection], T]) -> T:
        """As the records do."""
        return await self._records.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """As the records do; the audit's lines say where who asks is."""
        origin = _origin.get()

        def from_there(db: Connection) -> T:
            before = _origin.set(origin)
            try:
                return work(db)
            finally:
                _origin.reset(before)

        return await self._records.write(from_there)

    async def close(self) -> None:
        """As the records do."""
        await self._records.close()
