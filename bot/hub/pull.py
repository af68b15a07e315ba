"""What every shop answers that is asked for its orders: pages of hints, and an event for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.hub.shop import ShopEvent


class PullFailed(Exception):
    """A shop gave no answer, or refused: why, and how long it wants to be left alone."""

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Hint:
    """An order that changed: the id of its event, and what the shop needs to tell of it.

    `again` is the id for an order that means this once more, after it meant something else between;
    "" where a shop's orders never turn back.
    """

    event_id: str
    what: Any
    again: str = ""
    order_id: str = ""


class Pull(Protocol):
    """One shop that is asked: bot/hub/taobao_pull.py."""

    @property
    def name(self) -> str:
        """What its orders are said to come from; the same as of its messages."""
        ...

    @property
    def window(self) -> timedelta:
        """The longest span that it may be asked for at once."""
        ...

    def changed(self, start: datetime, end: datetime) -> AsyncIterator[list[Hint]]:
        """The orders that changed between two moments, page by page. Raises `PullFailed`.

        The last page comes first: an order that changes meanwhile leaves the span, and what
        follows it moves towards the front, to pages that are still to be read.
        """
        ...

    async def event(self, hint: Hint) -> ShopEvent:
        """What one of them says. Raises `PullFailed`, or `Unusable` for what is no order."""
        ...
