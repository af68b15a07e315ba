"""What was approved of a payout, frozen: a digest for each who approved it, never changed."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select

from bot.storage.schema import payment_approvals, payments

if TYPE_CHECKING:
    from bot.market.payments import Payment

# The server itself, which approves a payout by making it within the limits.
HUB = "hub"


def digest(db: Connection, payment: Payment) -> str:
    """A digest of all that says how much goes to whom, and of which collection it gives back.

    The migrations 0003 and 0031 compute the same.
    """
    parts: tuple[object, ...] = (
        payment.reference,
        payment.amount_rwf,
        payment.currency,
        payment.payee_msisdn,
        payment.provider,
    )
    if payment.refunds_id is not None:
        # An operator is told what to give back by one of these, and by nothing else.
        named = select(payments.c.reference, payments.c.provider_txn_id)
        parts += tuple(db.execute(named.where(payments.c.id == payment.refunds_id)).one())
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def approve(db: Connection, payment: Payment, by: str, now: datetime) -> None:
    """Keep that `by` approves this payout as it stands. Nobody can do so twice."""
    row = {"payment_id": payment.id, "by": by, "digest": digest(db, payment), "at": now}
    db.execute(insert(payment_approvals).values(row))


def approvals(db: Connection, payment_id: int) -> dict[str, str]:
    """The digest that each approved, by name, the earliest first."""
    table = payment_approvals
    query = select(table.c.by, table.c.digest).where(table.c.payment_id == payment_id)
    return {row[0]: row[1] for row in db.execute(query.order_by(table.c.id))}


def is_as_approved(db: Connection, payment: Payment, given: dict[str, str]) -> bool:
    """Whether the payout still is what the hub and all others approved."""
    return HUB in given and set(given.values()) == {digest(db, payment)}


def staff_among(given: dict[str, str]) -> list[str]:
    """The members of staff who released it."""
    return [by for by in given if by != HUB]


def released_by(db: Connection, payment_ids: list[int]) -> dict[int, list[str]]:
    """The members of staff who released each of these, the earliest first."""
    table = payment_approvals
    by_staff = table.c.payment_id.in_(payment_ids) & (table.c.by != HUB)
    query = select(table.c.payment_id, table.c.by).where(by_staff).order_by(table.c.id)
    found: dict[int, list[str]] = {}
    for payment_id, by in db.execute(query):
        found.setdefault(payment_id, []).append(by)
    return found
