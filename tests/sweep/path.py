"""What a path of money is: how its world begins, what people and operators do, what must be true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from bot.sandbox.switches import Switches
from tests.sweep.world import World

# An operator decides when it is asked, or only when it is told to; it never calls back by itself.
AT_ONCE = Switches(settle_after_s=0.0, lost_callback=True)
NOT_YET = Switches(settle_after_s=1e6, lost_callback=True)


def _nothing_more(_db: Connection) -> dict[str, bool]:
    return {}


@dataclass(frozen=True, slots=True)
class Path:
    """One path of money.

    `begin` writes what was before the server starts, given a PIN's hash and the moment. `drive` does
    what callers, operators and staff do, each as often as they really would. `rules` are what must
    hold at the end besides what must always hold. `paid_before`: its payments were settled before the
    operators' books were opened. `switches` are how the operators stand when the server starts: it asks
    them at once, before anything that `drive` could turn.
    """

    name: str
    begin: Callable[[Connection, str, datetime], None]
    drive: Callable[[World], Awaitable[None]]
    rules: Callable[[Connection], dict[str, bool]] = field(default=_nothing_more)
    paid_before: bool = False
    switches: Switches = AT_ONCE
