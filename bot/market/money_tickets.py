"""Tickets about money: open for as long as the money is not settled, whoever would close them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, literal, or_, select

from bot.market import settlement
from bot.market.payments import OPEN, Payment, as_payment
from bot.market.tickets import ABOUT_MONEY
from bot.storage.schema import payments, tickets

UNSETTLED = (*OPEN, "flagged")


def unsettled(db: Connection, category: str, about: str) -> Payment | None:
    """The payment that a ticket of this category is about, while nobody knows how it ends."""
    if category not in ABOUT_MONEY or not about:
        return None
    # Those of a statement are about our reference, all others about an order and a proof code.
    proof_code = about.rpartition(" ")[2]
    mine = or_(payments.c.proof_code == proof_code, payments.c.reference == about)
    query = select(payments).where(mine, payments.c.state.in_(UNSETTLED))
    row = db.execute(query).mappings().first()
    return None if row is None else as_payment(row)


def ask_again(db: Connection, now: datetime, limit: int = 100) -> int:
    """A ticket for what is not settled and has lost its own; how many payments had."""
    # Held first and looked at after: two who do this at once open one ticket.
    held = select(payments.c.id).where(payments.c.state.in_(UNSETTLED), _has_lost_it())
    held = held.order_by(payments.c.id).limit(limit).with_for_update(skip_locked=True)
    mine = payments.c.id.in_(list(db.execute(held).scalars()))
    still = db.execute(select(payments).where(mine, _has_lost_it())).mappings().all()
    found = [as_payment(row) for row in still]
    for payment in found:
        flagged = payment.state == "flagged"
        settlement.ask_staff(db, payment, "payment_flagged" if flagged else "payment_unknown", now)
    return len(found)


def _has_lost_it() -> ColumnElement[bool]:
    """Whether no ticket is open for it: of a flagged payment, or of one that had its ticket."""
    spoken = payments.c.order_code + literal(" ") + payments.c.proof_code
    # Two lists that are read once from the index, and not a look for each payment.
    ever = select(tickets.c.about).where(tickets.c.category.in_(ABOUT_MONEY))
    still = ever.where(tickets.c.state != "closed")
    had = spoken.in_(ever) | payments.c.reference.in_(ever)
    watched = spoken.in_(still) | payments.c.reference.in_(still)
    return ((payments.c.state == "flagged") | had) & ~watched
