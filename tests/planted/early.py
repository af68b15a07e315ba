"""What the bug "acknowledge-before-commit" does: says what will be kept, and keeps it later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from bot.storage.records import Records

T = TypeVar("T")


class _Undone(Exception):
    """Carries the answer out of a transaction that is taken back."""


async def acknowledge(records: Records, keep: Callable[[Connection], T]) -> T:
    """The answer of `keep`, which is committed only a moment after."""

    def only_ask(db: Connection) -> None:
        raise _Undone(keep(db))

    try:
        await records.write(only_ask)
    except _Undone as answer:
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, lambda: asyncio.ensure_future(records.write(keep)))
        told: T = answer.args[0]
        return told
    raise AssertionError("it was not asked")
