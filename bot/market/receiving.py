"""Staff note what came to the collection point: the part of an order, its weight, who, and when."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select

from bot.market import Actor, offers
from bot.market.offers import Offer
from bot.market.tickets import close
from bot.storage.schema import audit, received_parts, tickets

Received = Literal["received", "less", "already", "not_now", "no_weight", "no_name", "gone"]
_KILOS = re.compile(r"([0-9]{1,5})(?:[.,]([0-9]{1,3}))?")


def grams_of(kilos: str) -> int:
    """The grams of so many kilograms as typed, "12" or "12.5" or "12,5"; 0 for anything else."""
    found = _KILOS.fullmatch(kilos.strip())
    if found is None:
        return 0
    return int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0"))


def note_received(
    db: Connection, offer_id: int, weight_g: int, by: str, channel: str, now: datetime
) -> Received:
    """Keep that this part came, once; whose farmer has not said so has handed it over with that.

    "less" when it is lighter than what was accepted: it is kept all the same, and staff may dispute
    it. Closes the ticket that asked whether it came.
    """
    name = " ".join(by.split())[:40]
    if not name:
        return "no_name"
    if weight_g <= 0:
        return "no_weight"
    offer = offers.locked_part(db, offer_id)
    if offer is None:
        return "gone"
    mine = received_parts.c.offer_id == offer_id
    if db.execute(select(received_parts.c.offer_id).where(mine)).first() is not None:
        return "already"
    if offer.state not in ("accepted", "handed_over"):
        return "not_now"
    if offer.state == "accepted":
        actor = Actor(name, channel, f"received:{offer_id}", offer.contact_id)
        offers.move(db, actor, offer_id, "hand_over", now)
    _keep(db, offer, weight_g, name, now)
    return "less" if weight_g < offer.packs_accepted * offer.pack_g else "received"


def _keep(db: Connection, offer: Offer, weight_g: int, by: str, now: datetime) -> None:
    row = {"offer_id": offer.id, "weight_g": weight_g, "by": by, "at": now}
    db.execute(insert(received_parts).values(row))
    line = {"at": now, "actor": by, "action": "goods received", "subject": f"order {offer.code}"}
    details = {"part": offer.part, "weight_g": weight_g}
    db.execute(insert(audit).values(**line, details=details))
    asked = (tickets.c.category == "shipment") & (tickets.c.about == offer.named)
    close(db, asked, now)
