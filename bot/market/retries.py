"""When a payment that no operator answered to is tried again, and which payments wait so."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from bot.market import outages, settlement
from bot.market.letters import reference_in
from bot.market.lines import line_of
from bot.market.payments import OPEN, Payment
from bot.payments.provider import Answer
from bot.storage.schema import outbox, payments

_FIRST_S, _LONGEST_S = 5.0, 300.0


@dataclass(frozen=True, slots=True)
class Untaken:
    """How many payments wait for this line to take them, and what it said last."""

    line: str
    payments: int
    why: str


def wait(
    db: Connection, payment: Payment, answer: Answer, now: datetime, *, asked: bool
) -> timedelta:
    """How long until the operator is looked at again for it, and then asked if it has nothing.

    What was turned away: after about 5 s, 15 s, 45 s and so on, five minutes at most. What may have
    arrived, and all of a line that is out of order: `ASK_AGAIN_AFTER`.
    """
    if line_of(payment) in outages.shut(db) or (asked and not answer.turned_away):
        return outages.ASK_AGAIN_AFTER
    age_s = (now - settlement.asked_at(db, payment)).total_seconds()
    wait_s = min(_LONGEST_S, max(_FIRST_S, 2 * age_s))
    return timedelta(seconds=wait_s * random.uniform(0.8, 1.2))  # noqa: S311  jitter, not a secret


def untaken(db: Connection) -> list[Untaken]:
    """Payments that were turned away or found their operator shut, by line."""
    shut = outages.shut(db)
    tried = (outbox.c.last_error != "") | outbox.c.via.in_(shut)
    waits = (outbox.c.state == "waiting") & outbox.c.kind.in_(("payout", "collection", "refund"))
    query = (
        select(outbox.c.via, func.count(), func.max(outbox.c.last_error))
        .join(payments, payments.c.reference == reference_in())
        # What was settled meanwhile waits for nobody.
        .where(waits, outbox.c.via != "", tried, payments.c.state.in_(OPEN))
        .group_by(outbox.c.via)
        .order_by(outbox.c.via)
    )
    return [Untaken(*row) for row in db.execute(query).all()]
