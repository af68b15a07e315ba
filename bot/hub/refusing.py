"""What the hub hears of an event that changed nothing, in whose transaction it ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.hub.event_types import (
    BookingRequested,
    PricePublished,
    compared_at,
    read_event,
    source_of,
)
from bot.market import hub_news
from bot.storage import hub_inbox
from bot.storage.hub_inbox import Kept

_OF_PRICE = ("product", "place", "kind", "amount_rwf", "unit", "valid_on")


def tell_refused(db: Connection, event: Kept, said: Any, why: str, now: datetime) -> None:
    """Tell that `event`, which says `said`, was refused, and why."""
    kind, about = _about(event, said)
    hub_news.tell(db, kind, f"e{event.id}", str(event.id), about | {"reason": why}, now)


def refuse_parked(db: Connection, event_id: str, now: datetime) -> int:
    """End what is parked under this id as refused by people, and tell it; how many that were."""
    parked = hub_inbox.parked_as(db, event_id)
    for event in parked:
        why = "people have refused it"
        _type, said = read_event(event.body)
        if said is not None:
            tell_refused(db, event, said, why, now)
        said_at = compared_at(event.source, event.body)
        hub_inbox.ended(db, event.id, "refused", why, now, said_at)
    return len(parked)


def _about(event: Kept, said: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(said, BookingRequested):
        return "booking.refused", {"booking_id": said.booking_id}
    if isinstance(said, PricePublished):
        return "price.refused", {name: getattr(said, name) for name in _OF_PRICE}
    source = source_of(said, event.source)
    return "order.refused", {"order_id": said.order_id, "source": source, "type": event.type}
