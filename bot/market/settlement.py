"""The life of a payment: created, sent, maybe unknown, then known; each step once."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, insert, select, update

from bot.market import Actor, ledger, notices, offers
from bot.market.lives import PAYMENT_LIFE, Forbidden, advance
from bot.market.proof import new_proof
from bot.market.tickets import open_ticket
from bot.payments.provider import Answer, Outcome
from bot.storage import outbox
from bot.storage.schema import payment_events, payments

# How long to wait before each look-up; the last one is repeated.
LOOK_UP_AFTER_S = (5, 15, 60, 300, 1800)
# A payment the operator has never heard of, so long after asking, never arrived there.
_NEVER_ARRIVED = timedelta(minutes=15)
_OPEN = ("created", "sent", "unknown")


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as it stands."""

    id: int
    reference: str
    callback_token: str
    direction: str
    contact_id: int
    offer_id: int | None
    order_code: str
    provider: str
    payee_msisdn: str
    amount_rwf: int
    fee_rwf: int
    currency: str
    state: str
    version: int
    reason: str
    provider_txn_id: str
    proof_code: str
    created_at: datetime
    settled_at: datetime | None
    confirmed_at: datetime | None
    look_ups: int


_all = select(payments)


def pay_out(
    db: Connection,
    *,
    contact_id: int,
    offer_id: int | None,
    order_code: str,
    amount_rwf: int,
    fee_rwf: int = 0,
    provider: str,
    payee_msisdn: str,
    currency: str,
    now: datetime,
) -> Payment:
    """Create a payout with its reference, owe it in the ledger, and let it leave by the outbox.

    Raises ValueError for an amount that is not a positive whole number.
    """
    if type(amount_rwf) is not int or amount_rwf <= 0:
        raise ValueError("a payout is a positive whole number of francs")
    reference = str(uuid.uuid4())
    values = {
        "reference": reference,
        "callback_token": secrets.token_urlsafe(32),
        "direction": "payout",
        "contact_id": contact_id,
        "offer_id": offer_id,
        "order_code": order_code,
        "provider": provider,
        "payee_msisdn": payee_msisdn,
        "amount_rwf": amount_rwf,
        "fee_rwf": fee_rwf,
        "currency": currency,
        "proof_code": new_proof(),
        "created_at": now,
    }
    db.execute(insert(payments).values(values))
    lines = [(ledger.payable(contact_id), -amount_rwf), (ledger.SALES, amount_rwf)]
    ledger.post(db, f"payment:{reference}:owed", lines, now)
    outbox.put(db, "payout", f"payout:{reference}", {"reference": reference}, now)
    return _by_reference(db, reference)


def by_id(db: Connection, payment_id: int, contact_id: int) -> Payment | None:
    """This person's payment; another person's is None."""
    query = _all.where(payments.c.id == payment_id, payments.c.contact_id == contact_id)
    row = db.execute(query).mappings().first()
    return None if row is None else _payment(row)


def by_reference(db: Connection, reference: str) -> Payment | None:
    """The payment with this reference, or None."""
    row = db.execute(_all.where(payments.c.reference == reference)).mappings().first()
    return None if row is None else _payment(row)


def to_confirm(db: Connection, contact_id: int) -> list[Payment]:
    """Money that arrived and that the person has not confirmed, the newest first."""
    query = _all.where(
        payments.c.contact_id == contact_id,
        payments.c.state == "succeeded",
        payments.c.confirmed_at.is_(None),
    )
    return _listed(db, query)


def under_way(db: Connection, contact_id: int) -> list[Payment]:
    """Money that is on its way or being checked, the newest first."""
    mine = payments.c.contact_id == contact_id
    return _listed(db, _all.where(mine, payments.c.state.in_((*_OPEN, "flagged"))))


def statement(db: Connection, contact_id: int, limit: int = 9) -> list[Payment]:
    """The newest payments of a person."""
    return _listed(db, _all.where(payments.c.contact_id == contact_id).limit(limit))


def confirm(
    db: Connection, actor: Actor, payment_id: int, now: datetime
) -> Literal["confirmed", "already", "gone"]:
    """The person says that the money is there; the order is then confirmed too."""
    payment = by_id(db, payment_id, actor.contact_id)
    if payment is None or payment.state != "succeeded":
        return "gone"
    fresh = (payments.c.id == payment_id) & payments.c.confirmed_at.is_(None)
    if db.execute(update(payments).where(fresh).values(confirmed_at=now)).rowcount != 1:
        return "already"
    _carry_offer(db, payment, actor, "confirm", now)
    return "confirmed"


def record_asked(db: Connection, reference: str, answer: Answer, now: datetime) -> Payment:
    """What the operator answered to our asking: sent, refused, or unknown."""
    payment = _locked(db, reference)
    if payment.state not in _OPEN:
        return payment
    if answer.outcome is Outcome.REFUSED:
        return _fail(db, payment, answer, now)
    trigger = "send" if answer.outcome is Outcome.ACCEPTED else "lose"
    if payment.state == "created":
        _change(db, payment, trigger, "operator's answer", now, reason=answer.reason)
    _ask_later(db, payment.id, 0, now)
    return _by_reference(db, reference)


def record_answer(db: Connection, reference: str, answer: Answer, now: datetime) -> Payment:
    """What the operator answered to our look-up; the first truth wins, the second changes nothing.

    Amount, currency and payee must be ours, else the payment is flagged for staff.
    """
    payment = _locked(db, reference)
    if payment.state not in _OPEN:
        return payment
    if answer.outcome is Outcome.SUCCEEDED:
        return _succeed(db, payment, answer, now)
    if answer.outcome is Outcome.REFUSED:
        return _fail(db, payment, answer, now)
    if answer.outcome is Outcome.NOT_THERE and now - payment.created_at > _NEVER_ARRIVED:
        # Asked again under the same reference, it cannot be paid twice.
        outbox.put(
            db, "payout", f"payout:{reference}:{payment.look_ups}", {"reference": reference}, now
        )
    _ask_later(db, payment.id, payment.look_ups + 1, now)
    return _by_reference(db, reference)


def look_up_now(db: Connection, callback_token: str, now: datetime) -> bool:
    """A callback came: ask the operator at once. False when the token is nobody's."""
    mine = payments.c.callback_token == callback_token
    waiting = mine & payments.c.state.in_(_OPEN)
    db.execute(update(payments).where(waiting).values(look_up_at=now))
    return db.execute(select(payments.c.id).where(mine)).first() is not None


def due_look_ups(db: Connection, now: datetime, hold_s: float, limit: int) -> list[Payment]:
    """Payments whose look-up is due, held for `hold_s` so that no other process asks too."""
    query = (
        _all.where(payments.c.state.in_(_OPEN), payments.c.look_up_at <= now)
        .order_by(payments.c.look_up_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = [_payment(row) for row in db.execute(query).mappings()]
    if due:
        held = payments.c.id.in_([payment.id for payment in due])
        until = now + timedelta(seconds=hold_s)
        db.execute(update(payments).where(held).values(look_up_at=until))
    return due


def _succeed(db: Connection, payment: Payment, answer: Answer, now: datetime) -> Payment:
    wrong = _mismatch(payment, answer)
    if wrong:
        return _flag(db, payment, wrong, now)
    fee_rwf = answer.fee_rwf if answer.fee_rwf is not None else payment.fee_rwf
    _change(
        db,
        payment,
        "succeed",
        "operator's answer",
        now,
        settled_at=now,
        provider_txn_id=answer.provider_txn_id,
        fee_rwf=fee_rwf,
        look_up_at=None,
    )
    lines = [
        (ledger.payable(payment.contact_id), payment.amount_rwf),
        (ledger.HUB_FLOAT, -payment.amount_rwf - fee_rwf),
    ]
    if fee_rwf:
        lines.append((ledger.FEES, fee_rwf))
    ledger.post(db, f"payment:{payment.reference}:succeeded", lines, now)
    paid = _by_reference(db, payment.reference)
    _carry_offer(db, paid, Actor("operator", "server", f"paid:{paid.reference}"), "pay", now)
    words = notices.money_arrived
    notices.tell(db, paid.contact_id, f"money:{paid.reference}", lambda: words(paid), now)
    return paid


def _fail(db: Connection, payment: Payment, answer: Answer, now: datetime) -> Payment:
    _change(
        db,
        payment,
        "fail",
        "operator's answer",
        now,
        settled_at=now,
        reason=answer.reason,
        look_up_at=None,
    )
    lines = [
        (ledger.payable(payment.contact_id), payment.amount_rwf),
        (ledger.SALES, -payment.amount_rwf),
    ]
    ledger.post(db, f"payment:{payment.reference}:failed", lines, now)
    failed = _by_reference(db, payment.reference)
    _ask_staff(db, failed, "payment_missing", now)
    words = notices.payment_failed
    notices.tell(db, failed.contact_id, f"failed:{failed.reference}", lambda: words(failed), now)
    return failed


def _flag(db: Connection, payment: Payment, wrong: str, now: datetime) -> Payment:
    _change(db, payment, "flag", "operator's answer", now, reason=wrong, look_up_at=None)
    flagged = _by_reference(db, payment.reference)
    _ask_staff(db, flagged, "payment_flagged", now)
    return flagged


def _mismatch(payment: Payment, answer: Answer) -> str:
    if answer.amount_rwf != payment.amount_rwf:
        return f"the operator says {answer.amount_rwf}, ours is {payment.amount_rwf}"
    if answer.currency != payment.currency:
        return f"the operator says {answer.currency!r}, ours is {payment.currency}"
    if answer.payee_msisdn != payment.payee_msisdn:
        return "the operator names another payee"
    return ""


def _ask_staff(db: Connection, payment: Payment, category: str, now: datetime) -> None:
    open_ticket(
        db,
        category=category,
        msisdn=payment.payee_msisdn,
        contact_id=payment.contact_id,
        about=f"{payment.order_code} {payment.proof_code}",
        text=payment.reason,
        language="en",
        now=now,
    )


def _carry_offer(
    db: Connection, payment: Payment, actor: Actor, trigger: str, now: datetime
) -> None:
    if payment.offer_id is None:
        return
    try:
        offers.move(db, actor, payment.offer_id, trigger, now)
    except Forbidden:
        # A disputed or hand-corrected order does not hold up the money's own truth.
        return


def _ask_later(db: Connection, payment_id: int, look_ups: int, now: datetime) -> None:
    wait_s = LOOK_UP_AFTER_S[min(look_ups, len(LOOK_UP_AFTER_S) - 1)]
    when = {"look_up_at": now + timedelta(seconds=wait_s), "look_ups": look_ups}
    db.execute(update(payments).where(payments.c.id == payment_id).values(when))


def _change(
    db: Connection, payment: Payment, trigger: str, by: str, now: datetime, **more: Any
) -> None:
    """The only place where a payment's state changes."""
    state = advance(PAYMENT_LIFE, payment.state, trigger)
    same = (payments.c.id == payment.id) & (payments.c.version == payment.version)
    values = {"state": state, "version": payment.version + 1, **more}
    if db.execute(update(payments).where(same).values(values)).rowcount != 1:
        raise RuntimeError(f"payment {payment.reference} changed while it was locked")
    event = {
        "payment_id": payment.id,
        "from_state": payment.state,
        "to_state": state,
        "at": now,
        "by": by,
        "reason": str(more.get("reason", ""))[:160],
    }
    db.execute(insert(payment_events).values(event))


def _locked(db: Connection, reference: str) -> Payment:
    query = _all.where(payments.c.reference == reference).with_for_update()
    return _payment(db.execute(query).mappings().one())


def _by_reference(db: Connection, reference: str) -> Payment:
    return _payment(db.execute(_all.where(payments.c.reference == reference)).mappings().one())


def _listed(db: Connection, query: Any) -> list[Payment]:
    ordered = query.order_by(payments.c.id.desc())
    return [_payment(row) for row in db.execute(ordered).mappings()]


def _payment(row: RowMapping) -> Payment:
    return Payment(**{name: row[name] for name in Payment.__slots__})
