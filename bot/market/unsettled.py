"""Payments that are not settled yet, and whom each of them waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select

from bot.market import clearance, outages
from bot.market.limits import PayoutRules
from bot.market.lines import line_of
from bot.market.payments import OPEN, Payment, as_payment
from bot.storage.schema import payments

WaitsFor = Literal["people", "operator", "sending", "answer"]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One payment on its way: to be released by people, to be sent when its operator works again,
    to be sent in a moment, or sent and not answered for yet.
    """

    payment: Payment
    waits_for: WaitsFor


def newest(db: Connection, rules: PayoutRules, limit: int) -> list[Unsettled]:
    """At most `limit` payments that have not come to an end, the newest first."""
    states = payments.c.state.in_((*OPEN, "flagged"))
    query = select(payments).where(states).order_by(payments.c.id.desc()).limit(limit)
    down = outages.down(db)
    found = [as_payment(row) for row in db.execute(query).mappings()]
    return [Unsettled(one, _waits_for(db, one, rules, down)) for one in found]


def _waits_for(
    db: Connection, payment: Payment, rules: PayoutRules, down: tuple[str, ...]
) -> WaitsFor:
    if payment.state == "flagged" or clearance.needs_release(db, payment, rules):
        return "people"
    if payment.state != "created":
        return "answer"
    return "operator" if line_of(payment) in down else "sending"
