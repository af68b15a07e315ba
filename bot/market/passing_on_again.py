"""Passing on again what a buyer has paid, after the operator refused to pay it to the seller."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, exists, insert, select

from bot.kept_text import kept_text
from bot.market import sale_money, settlement
from bot.market.approvals import HUB
from bot.market.limits import PayoutRules
from bot.market.payments import Payment, as_payment, by_reference, locked
from bot.market.tickets import close
from bot.storage.schema import audit, payments, tickets

Again = Literal["passed_on", "gone", "not_refused", "no_name", "no_reason"]

_newer = payments.alias()


def refused(db: Connection) -> list[Payment]:
    """The refused payout of each sale whose money is still with the hub, the oldest first."""
    found = db.execute(select(payments).where(_refused()).order_by(payments.c.id)).mappings()
    return [as_payment(row) for row in found]


def is_refused(db: Connection, payment: Payment) -> bool:
    """Whether this is a payout of a sale that failed, and no other has taken its place."""
    query = select(payments.c.id).where(_refused(), payments.c.id == payment.id)
    return db.execute(query).first() is not None


def pass_on_again(
    db: Connection, reference: str, *, reason: str, by: str, rules: PayoutRules, now: datetime
) -> Again:
    """Make another payout in place of a refused one; it waits until two people release it.

    It goes to what is the seller's number for money by now. `reason` says what was wrong, and goes
    into the audit; the tickets of the refused one are closed.
    """
    name = " ".join(by.split()).casefold()[:40]
    if not name or name == HUB:
        return "no_name"
    if not reason.strip():
        return "no_reason"
    if by_reference(db, reference) is None:
        return "gone"
    # Held, so that of two people who do this at once the second finds what the first has made.
    failed = locked(db, reference)
    if not is_refused(db, failed):
        return "not_refused"
    again = sale_money.pass_on(db, _collected(db, failed), rules, now, sale_money.REFUSED_BEFORE)
    line = {"at": now, "actor": name, "action": "sale passed on again"}
    why = {"reason": kept_text(reason, 320).strip(), "instead_of": reference}
    db.execute(insert(audit).values(**line, subject=f"payment {again.reference}", details=why))
    about = (tickets.c.about == settlement.about(failed)) & (tickets.c.state == "open")
    close(db, about & (tickets.c.category == "payment_missing"), now)
    return "passed_on"


def _refused() -> ColumnElement[bool]:
    same = (_newer.c.sale_id == payments.c.sale_id) & (_newer.c.direction == "payout")
    newer = exists().where(same, _newer.c.id > payments.c.id)
    of_sale = payments.c.sale_id.is_not(None) & (payments.c.direction == "payout")
    return of_sale & (payments.c.state == "failed") & ~newer


def _collected(db: Connection, failed: Payment) -> Payment:
    brought = (payments.c.direction == "collection") & (payments.c.state == "succeeded")
    query = select(payments).where(payments.c.sale_id == failed.sale_id, brought)
    return as_payment(db.execute(query).mappings().one())
