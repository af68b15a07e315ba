"""Paying a seller again after the operator refused it: what a buyer paid, or delivered goods."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, exists, insert, literal, or_, select

from bot.kept_text import kept_text
from bot.market import delivered, sale_money, settlement
from bot.market.approvals import HUB
from bot.market.limits import PayoutRefused, PayoutRules
from bot.market.payments import EARNED, Payment, as_payment, by_reference, locked
from bot.market.tickets import close
from bot.storage.schema import audit, offers, payments, tickets

Again = Literal["passed_on", "gone", "not_refused", "no_name", "no_reason", "limit"]

_newer = payments.alias()


def refused(db: Connection) -> list[Payment]:
    """The refused payout of each sale and each delivered part that is still owed, oldest first."""
    found = db.execute(select(payments).where(_refused()).order_by(payments.c.id)).mappings()
    return [as_payment(row) for row in found]


def is_refused(db: Connection, payment: Payment) -> bool:
    """Whether this is a payout that failed and is still owed, and no other has taken its place."""
    query = select(payments.c.id).where(_refused(), payments.c.id == payment.id)
    return db.execute(query).first() is not None


def unasked(db: Connection) -> list[Payment]:
    """What is owed for delivered goods, was refused, and has no open ticket any more."""
    spoken = payments.c.order_code + literal(" ") + payments.c.proof_code
    is_open = (tickets.c.category == "payment_missing") & (tickets.c.state != "closed")
    asked = exists(literal(1)).where(tickets.c.about == spoken, is_open)
    query = select(payments).where(_of_goods(), payments.c.state == "failed", ~asked)
    return [as_payment(row) for row in db.execute(query.order_by(payments.c.id)).mappings()]


def pass_on_again(
    db: Connection, reference: str, *, reason: str, by: str, rules: PayoutRules, now: datetime
) -> Again:
    """Make another payout in place of a refused one; it waits until two people release it.

    It goes to what is the seller's number for money by now. `reason` says what was wrong, and goes
    into the audit; the tickets of the refused one are closed. "limit": for delivered goods the
    limits of payouts hold, and do not allow it now. Where no wallet of theirs is kept it is made
    all the same: it is flagged as it leaves, and two people end it by hand.
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
    try:
        again = _make(db, failed, rules, now)
    except PayoutRefused:
        return "limit"
    action = "delivery paid again" if failed.sale_id is None else "sale passed on again"
    line = {"at": now, "actor": name, "action": action}
    why = {"reason": kept_text(reason, 320).strip(), "instead_of": reference}
    db.execute(insert(audit).values(**line, subject=f"payment {again.reference}", details=why))
    about = (tickets.c.about == settlement.about(failed)) & (tickets.c.state == "open")
    close(db, about & (tickets.c.category == "payment_missing"), now)
    return "passed_on"


def _make(db: Connection, failed: Payment, rules: PayoutRules, now: datetime) -> Payment:
    if failed.sale_id is None:
        return delivered.pay_again(db, failed, rules, now, sale_money.REFUSED_BEFORE)
    return sale_money.pass_on(db, _collected(db, failed), rules, now, sale_money.REFUSED_BEFORE)


def _refused() -> ColumnElement[bool]:
    same = (_newer.c.sale_id == payments.c.sale_id) & (_newer.c.direction == "payout")
    newer = exists().where(same, _newer.c.id > payments.c.id)
    of_sale = payments.c.sale_id.is_not(None) & (payments.c.direction == "payout") & ~newer
    return (payments.c.state == "failed") & or_(of_sale, _of_goods())


def _of_goods() -> ColumnElement[bool]:
    """Whether it is the newest payout of a part that was delivered and is not paid."""
    same = (_newer.c.offer_id == payments.c.offer_id) & (_newer.c.direction == "payout")
    newer = exists(literal(1)).where(
        same, _newer.c.refunds_id.is_(None), _newer.c.id > payments.c.id
    )
    owed = exists(literal(1)).where(
        offers.c.id == payments.c.offer_id, offers.c.state == "delivered"
    )
    return EARNED & owed & ~newer


def _collected(db: Connection, failed: Payment) -> Payment:
    brought = (payments.c.direction == "collection") & (payments.c.state == "succeeded")
    query = select(payments).where(payments.c.sale_id == failed.sale_id, brought)
    return as_payment(db.execute(query).mappings().one())
