"""Buyers who were asked to pay a seller, as far as they may still be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from bot.storage.schema import payments, sales

if TYPE_CHECKING:
    from bot.market.payments import Payment


def forget(db: Connection, contact_id: int, msisdn: str) -> None:
    """Nothing names the buyers of a seller who leaves, nor a buyer who leaves."""
    forget_number(db, msisdn)
    of_seller = sales.c.contact_id == contact_id
    db.execute(update(sales).where(of_seller).values(buyer_msisdn="", what_for=""))


def forget_number(db: Connection, msisdn: str) -> None:
    """Nothing of what this number was asked to pay stays with it; "" is nobody's.

    What is on its way is still compared with what the operator says; settling forgets then.
    """
    if not msisdn:
        return
    by_number = (payments.c.payee_msisdn == msisdn) & payments.c.sale_id.is_not(None)
    paid_by = by_number & (payments.c.direction == "collection")
    # One that is being settled now is waited for: else neither side would see the other.
    db.execute(select(payments.c.id).where(paid_by).with_for_update()).all()
    theirs = sales.c.buyer_msisdn == msisdn
    ended = paid_by & payments.c.settled_at.is_not(None)
    db.execute(update(payments).where(ended).values(payee_msisdn=""))
    db.execute(update(sales).where(theirs).values(buyer_msisdn="", what_for=""))


def is_forgotten(db: Connection, collected: Payment) -> bool:
    """Whether the buyer, or the seller, has left since this was asked for."""
    query = select(sales.c.buyer_msisdn).where(sales.c.id == collected.sale_id)
    return not db.execute(query).scalar()
