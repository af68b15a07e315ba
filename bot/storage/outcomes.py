"""What came of a send is written down also when the records are away for a moment just then.

Forgotten, what has left would leave once more when its lease has run out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from bot.storage.records import Records, RecordsDown

T = TypeVar("T")

_FIRST_S, _LONGEST_S = 0.1, 1.0


async def keep(records: Records, work: Callable[[Connection], T], within_s: float) -> T:
    """Run `work` in the records, again and again while they are away, for at most `within_s`.

    It may run once more after it was committed (`Unsure`): what it does is held to the lease, which
    is given up with it. Raises `RecordsDown` when they stay away.
    """
    until, wait_s = time.monotonic() + within_s, _FIRST_S
    while True:
        try:
            return await records.write(work)
        except RecordsDown:
            if time.monotonic() + wait_s > until:
                raise
        await asyncio.sleep(wait_s)
        wait_s = min(_LONGEST_S, 2 * wait_s)
