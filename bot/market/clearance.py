"""The one gate before an operator is asked to pay: as approved, and released where two must."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, exists, func, literal, select

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import outage_news, people, settlement
from bot.market.approvals import (
    HUB,
    approvals,
    approve,
    is_as_approved,
    released_by,
    staff_among,
)
from bot.market.letters import keys_of, references_in
from bot.market.limits import PayoutRules
from bot.market.payments import (
    ANOTHERS,
    OPEN,
    Payment,
    as_payment,
    by_reference,
    locked,
    outbox_key,
    send,
)
from bot.market.staff_names import look_alike
from bot.storage import outbox
from bot.storage.schema import outbox as outbox_rows
from bot.storage.schema import payment_approvals, payments

_NEEDED = 2

Outcome = Literal["released", "one_more", "twice", "no_name", "not_waiting", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payout that does not leave by itself, and who has released it so far."""

    payment: Payment
    released_by: list[str]
    why: str


def clear(db: Connection, reference: str, rules: PayoutRules, now: datetime) -> Payment | None:
    """The payout to be sent exactly as given here, or None when it must not be sent now.

    One that is not what was approved is flagged, with a ticket, and so is one whose number has
    another owner by now. Who has left is asked to pay no bill. One that waits for release stays as
    it is; its second release puts it into the outbox again.
    """
    payment = locked(db, reference)
    if payment.state not in OPEN:
        return None
    given = approvals(db, payment.id)
    if not is_as_approved(db, payment, given):
        settlement.flag(db, payment, TicketSentence.NOT_APPROVED, "server", now)
        return None
    # Also one asked for before, of which the operator has nothing: it must not be asked for again.
    if payment.held == ANOTHERS:
        why = TicketSentence.ANOTHERS if payment.payee_msisdn else TicketSentence.NO_NUMBER
        settlement.flag(db, payment, why, "server", now)
        return None
    if _of_who_left(db, payment):
        if payment.asks:
            settlement.flag(db, payment, TicketSentence.PAYER_LEFT, "server", now)
        else:
            settlement.note_stuck(db, reference, TicketSentence.PAYER_LEFT, now)
        return None
    # What left already was released by the rules of then: asking again must not stop half-way.
    if payment.state == "created" and _needs_release(db, payment, given, rules):
        return None
    return payment


def release(
    db: Connection, reference: str, by: str, rules: PayoutRules, now: datetime
) -> tuple[Outcome, list[str]]:
    """A member of staff releases a waiting payout; what came of it, and who has released it.

    Two different names are needed; they differ by more than accents, digits, dots and blanks.
    """
    name = " ".join(by.split()).casefold()[:40]
    if not name or name == HUB:
        return "no_name", []
    if by_reference(db, reference) is None:
        return "gone", []
    payment = locked(db, reference)
    given = approvals(db, payment.id)
    if payment.state != "created" or _leaves_by_itself(db, payment, given, rules):
        return "not_waiting", staff_among(given)
    if not is_as_approved(db, payment, given):
        settlement.flag(db, payment, TicketSentence.NOT_APPROVED, f"staff {name}"[:40], now)
        return "changed", staff_among(given)
    if any(look_alike(name, one) for one in staff_among(given)):
        return "twice", staff_among(given)
    approve(db, payment, name, now)
    given = approvals(db, payment.id)
    if _needs_release(db, payment, given, rules):
        return "one_more", staff_among(given)
    if not send(db, payment, "released", now):
        # It was released before and could not leave then.
        outbox.replay(db, outbox_key(payment, "released"), now)
    outage_news.tell_if_down(db, payment, now)
    return "released", staff_among(given)


def waiting(db: Connection, rules: PayoutRules, limit: int = 1000) -> list[Waiting]:
    """At most `limit` payouts that do not leave by themselves, the oldest first."""
    query = select(payments).where(_stays(rules)).order_by(payments.c.id).limit(limit)
    found = [as_payment(row) for row in db.execute(query).mappings()]
    released = released_by(db, [payment.id for payment in found])
    return [
        Waiting(one, released.get(one.id, []), why_held(one, rules) or "limit of then")
        for one in found
    ]


def how_many_wait(db: Connection, rules: PayoutRules) -> int:
    """How many payouts do not leave by themselves."""
    return int(db.execute(select(func.count()).where(_stays(rules))).scalar() or 0)


def waits(db: Connection, payment: Payment, rules: PayoutRules) -> bool:
    """Whether this payout does not leave by itself."""
    if payment.state != "created" or payment.direction != "payout":
        return False
    return not _leaves_by_itself(db, payment, approvals(db, payment.id), rules)


def _stays(rules: PayoutRules) -> ColumnElement[bool]:
    """Of the rows of payments: what `_leaves_by_itself` says of one, for many at once."""
    given = payment_approvals
    released = select(func.count()).where(given.c.payment_id == payments.c.id, given.c.by != HUB)
    held = (payments.c.amount_rwf > rules.release_above_rwf) | (payments.c.held != "")
    needs_release = held & (released.scalar_subquery() < _NEEDED)
    paid_out = outbox_rows.c.kind.in_(("payout", "refund"))
    on_its_way = references_in(paid_out, outbox_rows.c.state == "waiting")
    out = (payments.c.state == "created") & (payments.c.direction == "payout")
    return out & (needs_release | payments.c.reference.not_in(on_its_way))


def why_held(payment: Payment, rules: PayoutRules) -> str:
    """Why it needs two people: "large", or why it was held when it was made; "" for neither."""
    if payment.kind == "collection":
        return ""
    return "large" if payment.amount_rwf > rules.release_above_rwf else payment.held


def needs_release(db: Connection, payment: Payment, rules: PayoutRules) -> bool:
    """Whether it stays here until people have released it."""
    return payment.state == "created" and _needs_release(
        db, payment, approvals(db, payment.id), rules
    )


def _of_who_left(db: Connection, payment: Payment) -> bool:
    """Whether it collects a bill of somebody who is gone: their phone is to ring no more."""
    of_a_bill = payment.kind == "collection" and not payment.of_buyer
    return of_a_bill and people.by_id(db, payment.contact_id) is None


def _needs_release(
    db: Connection, payment: Payment, given: dict[str, str], rules: PayoutRules
) -> bool:
    return len(staff_among(given)) < _NEEDED and bool(why_held(payment, rules))


def _leaves_by_itself(
    db: Connection, payment: Payment, given: dict[str, str], rules: PayoutRules
) -> bool:
    """Whether it needs nobody: also one held back by an earlier, stricter limit needs somebody."""
    on_its_way = exists().where(
        outbox_rows.c.kind == payment.kind,
        outbox_rows.c.state == "waiting",
        outbox_rows.c.dedupe_key.in_(keys_of(payment)),
    )
    return not _needs_release(db, payment, given, rules) and bool(
        db.execute(select(literal(1)).where(on_its_way)).first()
    )
