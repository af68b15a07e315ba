"""Where the goods are: the events of what a person has handed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from bot.market import Actor
from bot.storage.schema import offer_events, offers, orders

_ON_THE_WAY = ("handed_over", "shipped", "delivered")


@dataclass(frozen=True, slots=True)
class Stop:
    """One event on the way: when, and which (`collection`, `warehouse`, `to_china`, `arrived`)."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """The way of one order's goods so far."""

    code: str
    offer_id: int
    stops: tuple[Stop, ...]


_STOPS = {"handed_over": "collection", "shipped": "to_china", "delivered": "arrived"}


def under_way(db: Connection, contact_id: int, limit: int = 5) -> list[Shipment]:
    """What of this person's goods is on its way, the newest order first."""
    mine = (offers.c.contact_id == contact_id) & offers.c.state.in_(_ON_THE_WAY)
    query = (
        select(offers.c.id, orders.c.code)
        .join(orders, orders.c.id == offers.c.order_id)
        .where(mine)
        .order_by(offers.c.id.desc())
        .limit(limit)
    )
    return [Shipment(row.code, row.id, _stops(db, row.id)) for row in db.execute(query).all()]


def note_stop(db: Connection, actor: Actor, offer_id: int, what: str, at: datetime) -> None:
    """Write down that the goods reached a place, where the order's state does not change."""
    state = select(offers.c.state).where(offers.c.id == offer_id).scalar_subquery()
    event = {
        "offer_id": offer_id,
        "from_state": state,
        "to_state": state,
        "at": at,
        "by": actor.by,
        "channel": actor.channel,
        "key": actor.key,
        "place": what,
    }
    db.execute(insert(offer_events).values(event))


def _stops(db: Connection, offer_id: int) -> tuple[Stop, ...]:
    reached = (offer_events.c.offer_id == offer_id) & offer_events.c.to_state.in_(_ON_THE_WAY)
    # The end of a dispute moved no goods: they stand where they stood.
    moved = offer_events.c.from_state != "disputed"
    query = select(offer_events).where(reached, moved)
    query = query.order_by(offer_events.c.at, offer_events.c.id)
    stops: list[Stop] = []
    for row in db.execute(query):
        stops.append(Stop(row.at, row.place or _STOPS[row.to_state]))
    return tuple(stops)
