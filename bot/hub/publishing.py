"""A price that the hub publishes: kept once, to wait for staff."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.hub.event_types import PricePublished
from bot.market import price_approval
from bot.market.products import PRODUCTS
from bot.market.wanted import Refused
from bot.storage.schema import prices

_KNOWN_BY = ("hub", "product", "place", "kind", "valid_on", "source")


def publish(
    db: Connection, said: PricePublished, hub_id: str, event_source: str, now: datetime
) -> str:
    """Keep a price until staff approve it; what came of it. Raises `Refused`."""
    row = _row(said, hub_id, event_source, now)
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    if db.execute(dialect.insert(prices).values(row).on_conflict_do_nothing()).rowcount == 1:
        return "waits for approval"
    same = select(prices.c.amount_rwf).where(*(prices.c[name] == row[name] for name in _KNOWN_BY))
    if db.execute(same).scalar() != said.amount_rwf:
        raise Refused("another price of this product, place, kind, day and source is there already")
    return "it was published before"


def _row(said: PricePublished, hub_id: str, event_source: str, now: datetime) -> dict[str, Any]:
    if said.product not in PRODUCTS or PRODUCTS[said.product].unit != said.unit:
        raise Refused(f"{said.product!r} is not traded here by the {said.unit}")
    try:
        day = date.fromisoformat(said.valid_on)
    except ValueError as error:
        raise Refused(f"{said.valid_on} is no day") from error
    return {
        "hub": hub_id,
        "product": said.product,
        "place": said.place,
        "district": said.district,
        "kind": said.kind,
        "amount_rwf": said.amount_rwf,
        "unit": said.unit,
        "valid_on": day,
        "source": said.source or event_source,
        "state": "flagged",
        "reason": price_approval.WAITS,
        "entered_at": now,
    }
