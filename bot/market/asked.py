"""Who was asked to supply an order of the hub."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.storage.schema import contacts, hub_orders, offers


@dataclass(frozen=True, slots=True)
class Asked:
    """One person who was asked, and where their offer stands."""

    hub_order_id: str
    msisdn: str
    state: str


def asked(db: Connection, source: str, hub_order_ids: Collection[str]) -> list[Asked]:
    """Who was asked about each of these orders of `source`, the first asked first."""
    query = (
        select(hub_orders.c.hub_order_id, contacts.c.msisdn, offers.c.state)
        .join(offers, offers.c.order_id == hub_orders.c.order_id)
        .join(contacts, contacts.c.id == offers.c.contact_id)
        .where(hub_orders.c.source == source, hub_orders.c.hub_order_id.in_(hub_order_ids))
        .order_by(offers.c.id)
    )
    return [Asked(*row) for row in db.execute(query).all()]
