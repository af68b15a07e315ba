"""What a path of money is: how its world begins, what people and operators do, what must be true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from tests.sweep.world import World


def _nothing_more(_db: Connection) -> dict[str, bool]:
    return {}


@dataclass(frozen=True, slots=True)
class Path:
    """One path of money.

    `begin` writes what was before the server starts, given a PIN's hash and the moment. `drive` does
    what callers, operators and staff do, each as often as they really would. `rules` are what must
    hold at the end besides what must always hold. `paid_before`: its payments were settled before the
    operators' books were opened.
    """

    name: str
    begin: Callable[[Connection, str, datetime], None]
    drive: Callable[[World], Awaitable[None]]
    rules: Callable[[Connection], dict[str, bool]] = field(default=_nothing_more)
    paid_before: bool = False
