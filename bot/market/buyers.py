"""Buyers who were asked to pay a seller, as far as they may still be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from bot.storage.schema import payments, sales

if TYPE_CHECKING:
    from bot.market.payments import Payment


def forget(db: Connection, contact_id: int, msisdn: str) -> None:
    """Nothing names the buyers of a seller who leaves, nor a buyer who leaves.

    What is on its way is still compared with what the operator says; settling forgets then.
    """
    theirs = (sales.c.contact_id == contact_id) | (sales.c.buyer_msisdn == msisdn)
    ended = payments.c.settled_at.is_not(None) & (payments.c.direction == "collection")
    paid_by = ended & payments.c.sale_id.is_not(None) & (payments.c.payee_msisdn == msisdn)
    db.execute(update(payments).where(paid_by).values(payee_msisdn=""))
    db.execute(update(sales).where(theirs).values(buyer_msisdn="", what_for=""))


def is_forgotten(db: Connection, collected: Payment) -> bool:
    """Whether the buyer, or the seller, has left since this was asked for."""
    query = select(sales.c.buyer_msisdn).where(sales.c.id == collected.sale_id)
    return not db.execute(query).scalar()
