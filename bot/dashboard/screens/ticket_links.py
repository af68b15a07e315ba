"""Where a ticket leads: the payment and the order that it is about."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select

from bot.storage.schema import orders, payments


def linked(db: Connection, about: str, contact_id: int) -> tuple[int, str]:
    """The id of the payment, 0 for none, and the code of the order, "" for none.

    A ticket is about a payment's reference, or an order's code with a payment's proof code; with an
    order's code alone it is that person's newest payment for it.
    """
    words = about.split()
    if not words:
        return 0, ""
    query = select(payments.c.id, payments.c.order_code)
    named = or_(payments.c.proof_code == words[-1], payments.c.reference == about)
    theirs = (payments.c.contact_id == contact_id) & (payments.c.order_code == about)
    payment = (
        db.execute(query.where(named)).first()
        or db.execute(query.where(theirs).order_by(payments.c.id.desc()).limit(1)).first()
    )
    code = words[0] if payment is None else payment.order_code
    order = db.execute(select(orders.c.code).where(orders.c.code == code)).scalar()
    return 0 if payment is None else payment.id, order or ""
