"""What becomes of the tickets of somebody who leaves: their own words go, what is owed stays."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, String, cast, exists, literal, or_, select, update

from bot.market.tickets import ABOUT_MONEY
from bot.masking import without_numbers
from bot.storage.schema import offers, orders, payments, tickets


def close_theirs(db: Connection, contact_id: int, msisdn: str | None, now: datetime) -> None:
    """Close what they asked for, and empty it.

    What staff must find out about money, and about goods that are under way, stays open without
    the number of who has left: it was written by us or by the hub.
    """
    # Also what was asked with this number before anybody had registered with it.
    theirs = or_(tickets.c.contact_id == contact_id, tickets.c.msisdn == msisdn)
    stays = tickets.c.category.in_(ABOUT_MONEY) | _of_a_part(contact_id) | _of_a_payment(contact_id)
    gone = {"msisdn": "", "text": "", "state": "closed", "closed_at": now}
    kept = select(tickets.c.id, tickets.c.text).where(theirs, stays, tickets.c.state != "closed")
    for ticket in db.execute(kept).all():
        words = {"msisdn": "", "text": without_numbers(ticket.text)}
        db.execute(update(tickets).where(tickets.c.id == ticket.id).values(words))
    db.execute(update(tickets).where(theirs, ~stays).values(gone))
    db.execute(update(tickets).where(theirs).values(msisdn=""))


def _of_a_part(contact_id: int) -> ColumnElement[bool]:
    """As `Offer.named_of` calls it."""
    named = orders.c.code + literal(" P-") + cast(offers.c.id, String)
    mine = offers.c.contact_id == contact_id
    return exists(literal(1)).where(
        mine, orders.c.id == offers.c.order_id, tickets.c.about == named
    )


def _of_a_payment(contact_id: int) -> ColumnElement[bool]:
    """As `settlement.about` calls it."""
    named = payments.c.order_code + literal(" ") + payments.c.proof_code
    return exists(literal(1)).where(payments.c.contact_id == contact_id, tickets.c.about == named)
