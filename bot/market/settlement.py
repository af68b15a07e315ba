"""Settling a payment by the operator's own answers: sent, maybe unknown, then known, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, literal, select, update

from bot.i18n.ticket_sentences import PaymentDifference, TicketSentence
from bot.market import (
    Actor,
    buyers,
    kept_wallets,
    ledger,
    news,
    notices,
    people,
    postings,
    sale_money,
    sale_notices,
)
from bot.market.limits import PayoutRules
from bot.market.lines import line_column
from bot.market.payments import (
    OPEN,
    Payment,
    as_payment,
    by_reference,
    carry_offer,
    change,
    locked,
    must_have,
    send,
)
from bot.market.tickets import has_ticket, open_ticket
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import operators, payment_events, payments, tickets
from bot.storage.set_back import has_come

# How long to wait before each look-up, so that they come 5 s, 15 s, 1 min, 5 min and 30 min after
# the asking; the last one is repeated. None is longer, so that whatever spoiled the one before, the
# payment is over within 30 min after the operator answers rightly again.
LOOK_UP_AFTER_S = (5, 10, 45, 240, 1500)
_LOOK_UP_LONGEST = timedelta(seconds=max(LOOK_UP_AFTER_S))
# What is not known by then is for staff to ask the operator about; we go on asking too.
_STAFF_ASK_AFTER = timedelta(minutes=29)
# What counts as old must have been looked up so often, too: a clock set forward makes everything
# old at once, but the waits between look-ups pass as they do, and three of them are some minutes.
_LOOKED_UP_OFTEN = 3
# What the column holds, and what a statement's row is cut to.
_TXN_ID_MAX = 64
# A payment the operator has never heard of, so long after asking, never arrived there.
_NEVER_ARRIVED = timedelta(minutes=15)


def record_asked(
    db: Connection, reference: str, answer: Answer, now: datetime, asked: Payment | None = None
) -> Payment:
    """What the operator answered to our asking: sent, refused, or unknown.

    `asked` is the payment as it stood before the asking: what hinted since is not forgotten.
    A refusal is the end only of what was asked for once: asked again, also by another process at
    the same time, the first asking may be what it is refused for, and the money on its way. Then
    only a look-up tells.
    """
    payment = locked(db, reference)
    if payment.state not in OPEN:
        return payment
    once = payment.state == "created" and payment.asks <= 1
    if answer.outcome is Outcome.REFUSED and once:
        return _fail(db, payment, answer, now)
    if answer.outcome is Outcome.NEVER_TOLD:
        return flag(db, payment, answer.reason, "operator's answer", now)
    trigger = "send" if answer.outcome is Outcome.ACCEPTED else "lose"
    if payment.state == "created":
        change(db, payment, trigger, "operator's answer", now, reason=answer.reason)
    _show_what_is_strange(db, payment, answer, now)
    if answer.taken and payment.asks <= 1:
        # Nobody but us makes our references, and we have asked with this one for the first time.
        why = TicketSentence.TAKEN.format(answer=answer.reason)
        _ask_staff_once(db, payment, "payment_unclear", now, why)
    _ask_later(db, payment, 0, now, asked)
    return must_have(db, reference)


def record_answer(
    db: Connection,
    reference: str,
    answer: Answer,
    now: datetime,
    asked: Payment | None = None,
    *,
    rules: PayoutRules,
) -> Payment:
    """What the operator answered to our look-up; the first truth wins, the second changes nothing.

    `asked` is the payment as it stood before the look-up: what hinted since is not forgotten.
    Amount, currency and payee must be ours, else the payment is flagged for staff. A term that this
    operator never tells cannot be compared; its answer is bound to us by the reference alone.
    What a buyer has paid is passed on at once, by the `rules` of payouts.
    """
    payment = locked(db, reference)
    if payment.state not in OPEN:
        return payment
    if answer.outcome is Outcome.SUCCEEDED:
        return _succeed(db, payment, answer, now, rules)
    if answer.outcome is Outcome.REFUSED:
        return _fail(db, payment, answer, now)
    if answer.outcome is Outcome.NEVER_TOLD:
        return flag(db, payment, answer.reason, "operator's answer", now)
    _show_what_is_strange(db, payment, answer, now)
    # Of one that waits for people a callback may make us ask, too; it has no age.
    was_asked = payment.asks or payment.state != "created"
    by_the_clock = was_asked and payment.look_ups >= _LOOKED_UP_OFTEN
    age = now - asked_at(db, payment) if by_the_clock else timedelta()
    if answer.outcome is Outcome.NOT_THERE and age > _NEVER_ARRIVED:
        # Asked again under the same reference, it cannot be paid twice.
        send(db, payment, str(payment.look_ups), now)
    if age > _STAFF_ASK_AFTER:
        _ask_staff_once(db, payment, "payment_unknown", now)
    _ask_later(db, payment, payment.look_ups + 1, now, asked)
    return must_have(db, reference)


def note_stuck(db: Connection, reference: str, why: str, now: datetime) -> None:
    """A payment cannot leave by itself any more: staff are told, once."""
    payment = locked(db, reference)
    if payment.state == "created" and payment.kind == "collection" and not payment.asks:
        # Nobody was asked to pay it, so its bill is free to be paid otherwise.
        _fail(db, payment, Answer(Outcome.REFUSED, why[:160]), now, "server")
    elif payment.state == "created":
        _ask_staff_once(db, payment, "payment_missing", now, why)
        if payment.asks:
            # It may have arrived all the same: only the operator knows.
            change(db, payment, "lose", "server", now, reason=why[:160])
            _ask_later(db, payment, 0, now, None)


def look_up_now(db: Connection, callback_token: str, now: datetime) -> bool:
    """A callback came: ask the operator at once. False when the token is nobody's."""
    mine = payments.c.callback_token == callback_token
    waiting = mine & payments.c.state.in_(OPEN)
    db.execute(update(payments).where(waiting).values(look_up_at=now))
    return db.execute(select(payments.c.id).where(mine)).first() is not None


def look_up_now_by_reference(db: Connection, provider: str, reference: str, now: datetime) -> bool:
    """The same for an operator that calls one URL for all payments, and names our reference."""
    payment = by_reference(db, reference) if reference else None
    if payment is None or payment.provider != provider:
        return False
    return look_up_now(db, payment.callback_token, now)


def is_look_up_due(db: Connection, now: datetime, not_via: tuple[str, ...] = ()) -> bool:
    """Whether `due_look_ups` may find any."""
    query = select(payments.c.id).where(_to_look_up(now, not_via)).limit(1)
    return db.execute(query).first() is not None


def due_look_ups(
    db: Connection, now: datetime, hold_s: float, limit: int, not_via: tuple[str, ...] = ()
) -> list[Payment]:
    """Payments whose look-up is due, held for `hold_s` so that no other process asks too.

    Lines of `not_via` are not asked. What is due further ahead than any wait is due now.
    """
    query = (
        select(payments)
        .where(_to_look_up(now, not_via))
        .order_by(payments.c.look_up_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = [as_payment(row) for row in db.execute(query).mappings()]
    until = now + timedelta(seconds=hold_s)
    if due:
        held = payments.c.id.in_([payment.id for payment in due])
        db.execute(update(payments).where(held).values(look_up_at=until))
    return [replace(payment, look_up_at=until) for payment in due]


def _to_look_up(now: datetime, not_via: tuple[str, ...]) -> ColumnElement[bool]:
    come = has_come(payments.c.look_up_at, now, _LOOK_UP_LONGEST)
    return payments.c.state.in_(OPEN) & come & line_column().not_in(not_via)


def ask_staff_of_old(db: Connection, now: datetime, limit: int = 100) -> int:
    """Tickets for what nobody knows for long, also while its operator is not asked; how many."""
    spoken = payments.c.order_code + literal(" ") + payments.c.proof_code
    has_one = exists(literal(1)).where(
        tickets.c.category == "payment_unknown", tickets.c.about == spoken
    )
    # Of what an older version asked for it is known when it was answered.
    answered = exists(literal(1)).where(
        payment_events.c.payment_id == payments.c.id,
        payment_events.c.from_state == "created",
        payment_events.c.at < now - _STAFF_ASK_AFTER,
    )
    asked = (payments.c.asked_at < now - _STAFF_ASK_AFTER) | answered
    # A line that is out of order is not asked, so there is nothing to count.
    shut = exists(literal(1)).where(
        operators.c.provider == line_column(), operators.c.state != "working"
    )
    known_old = asked & ((payments.c.look_ups > _LOOKED_UP_OFTEN) | shut)
    query = (
        select(payments)
        # Also one whose answer nobody could write down: it stands as if nobody had asked.
        .where(payments.c.state.in_(OPEN), known_old, ~has_one)
        .order_by(payments.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    old = [as_payment(row) for row in db.execute(query).mappings().all()]
    for payment in old:
        _ask_staff_once(db, payment, "payment_unknown", now)
    return len(old)


def _succeed(
    db: Connection, payment: Payment, answer: Answer, now: datetime, rules: PayoutRules
) -> Payment:
    wrong = _mismatch(payment, answer)
    if wrong:
        _suspend(db, payment, answer, now)
        txn_id = answer.provider_txn_id[:_TXN_ID_MAX]
        return flag(db, payment, wrong, "operator's answer", now, provider_txn_id=txn_id)
    fee_rwf = answer.fee_rwf if answer.fee_rwf is not None else payment.fee_rwf
    change(
        db,
        payment,
        "succeed",
        "operator's answer",
        now,
        settled_at=now,
        provider_txn_id=answer.provider_txn_id[:_TXN_ID_MAX],
        fee_rwf=fee_rwf,
        look_up_at=None,
        payee_msisdn=payee_to_keep(db, payment),
    )
    lines = postings.succeeded(payment, fee_rwf)
    ledger.post(db, f"payment:{payment.reference}:succeeded", lines, now)
    return tell_paid(db, payment.reference, now, rules)


def tell_paid(db: Connection, reference: str, now: datetime, rules: PayoutRules) -> Payment:
    """The money is there: its order goes on, or it is passed on, and the person has a message."""
    paid = must_have(db, reference)
    if paid.of_buyer:
        sale_money.pass_on(db, paid, rules, now)
        sale_notices.tell_paid(db, paid, now)
        return paid
    if paid.kind == "payout":
        carry_offer(db, paid, Actor("operator", "server", f"paid:{reference}"), "pay", now)
        kept_wallets.forget_unless_needed(db, paid.contact_id)
    words = notices.of_money_there(paid)
    news.tell(db, paid.contact_id, f"money:{reference}", lambda: words(paid), now)
    return paid


def tell_failed(db: Connection, reference: str, now: datetime) -> Payment:
    """No money moved: the person has a message; what we owe is for staff to look at too."""
    failed = must_have(db, reference)
    if failed.of_buyer:
        sale_notices.tell_failed(db, failed, now)
        kept_wallets.forget_unless_needed(db, failed.contact_id)
        return failed
    if failed.kind != "collection":
        ask_staff(db, failed, "payment_missing", now)
    words = notices.of_money_failed(failed)
    news.tell(db, failed.contact_id, f"failed:{reference}", lambda: words(failed), now)
    return failed


def _fail(
    db: Connection, payment: Payment, answer: Answer, now: datetime, by: str = "operator's answer"
) -> Payment:
    change(
        db,
        payment,
        "fail",
        by,
        now,
        settled_at=now,
        reason=answer.reason,
        look_up_at=None,
        payee_msisdn=payee_to_keep(db, payment),
    )
    lines = postings.failed(payment)
    if lines:
        ledger.post(db, f"payment:{payment.reference}:failed", lines, now)
    return tell_failed(db, payment.reference, now)


def flag(
    db: Connection, payment: Payment, wrong: str, by: str, now: datetime, **more: str
) -> Payment:
    """Stop this locked payment for people to look at, with a ticket that says what is wrong."""
    change(db, payment, "flag", by, now, reason=wrong[:160], look_up_at=None, **more)
    flagged = must_have(db, payment.reference)
    ask_staff(db, flagged, "payment_flagged", now)
    if flagged.of_buyer:
        sale_notices.tell_unknown(db, flagged, now)
    return flagged


def _suspend(db: Connection, payment: Payment, answer: Answer, now: datetime) -> None:
    """Money moved that is not the payment we asked for: it stands apart until people know why."""
    if not answer.amount_rwf or answer.currency != payment.currency:
        return
    lines = postings.suspended(payment, answer.amount_rwf, answer.fee_rwf or 0)
    ledger.post(db, f"payment:{payment.reference}:suspense", lines, now)


def _mismatch(payment: Payment, answer: Answer) -> str:
    if "amount_rwf" not in answer.untold and answer.amount_rwf != payment.amount_rwf:
        return _terms(answer.amount_rwf, payment.amount_rwf)
    if "currency" not in answer.untold and answer.currency != payment.currency:
        return _terms(repr(answer.currency), payment.currency)
    if payment.kind == "collection":
        same = "payer_msisdn" in answer.untold or answer.payer_msisdn == payment.payee_msisdn
        return "" if same else PaymentDifference.PAYER
    same = "payee_msisdn" in answer.untold or answer.payee_msisdn == payment.payee_msisdn
    return "" if same else PaymentDifference.PAYEE


def _terms(theirs: object, ours: object) -> str:
    return PaymentDifference.TERMS.format(theirs=theirs, ours=ours)


def _show_what_is_strange(db: Connection, payment: Payment, answer: Answer, now: datetime) -> None:
    """An answer that no page explains goes to staff, once."""
    if answer.strange:
        _ask_staff_once(db, payment, "payment_unclear", now, answer.reason)


def _ask_staff_once(
    db: Connection, payment: Payment, category: str, now: datetime, why: str = ""
) -> None:
    if has_ticket(db, category, about(payment)):
        return
    ask_staff(db, payment, category, now, why)
    if payment.of_buyer and category == "payment_unknown":
        sale_notices.tell_unknown(db, payment, now)


def ask_staff(
    db: Connection, payment: Payment, category: str, now: datetime, why: str = ""
) -> None:
    """A ticket about this payment, in its person's language; an open one like it is enough."""
    person = people.by_id(db, payment.contact_id)
    open_ticket(
        db,
        category=category,
        # Not the payee of the payment, which may be what is wrong with it. Who left has no number.
        msisdn="" if person is None else person.msisdn,
        contact_id=payment.contact_id,
        about=about(payment),
        text=why or payment.reason,
        language="en" if person is None else person.language,
        now=now,
    )


def asked_at(db: Connection, payment: Payment) -> datetime:
    """When the operator was first asked: long after it was made, where it waited for a release.

    The asking may have died, so that nothing else came of it.
    """
    left = (payment_events.c.payment_id == payment.id) & (payment_events.c.from_state == "created")
    answered_at = db.execute(select(payment_events.c.at).where(left)).scalar()
    # What an older version asked for may be asked for again by this one.
    known = [moment for moment in (payment.asked_at, answered_at) if moment is not None]
    return min(known, default=payment.created_at)


def is_old(db: Connection, payment: Payment, now: datetime) -> bool:
    """Whether it was asked for so long ago that staff are to find out about it."""
    return now - asked_at(db, payment) > _STAFF_ASK_AFTER


def about(payment: Payment) -> str:
    """What the tickets of this payment are about."""
    return f"{payment.order_code} {payment.proof_code}"


def payee_to_keep(db: Connection, payment: Payment) -> str:
    """Once settled the number is needed no more, so of who has left meanwhile it goes."""
    if payment.of_buyer and buyers.is_forgotten(db, payment):
        return ""
    return payment.payee_msisdn if people.by_id(db, payment.contact_id) else ""


def _ask_later(
    db: Connection, payment: Payment, look_ups: int, now: datetime, asked: Payment | None
) -> None:
    """Ask again after the next wait; sooner where a callback came while the operator answered.

    Its answer is to the question before, so the callback may know more.
    """
    wait_s = LOOK_UP_AFTER_S[min(look_ups, len(LOOK_UP_AFTER_S) - 1)]
    look_up_at = now + timedelta(seconds=wait_s)
    due_at = payment.look_up_at
    if asked is not None and due_at is not None and due_at != asked.look_up_at:
        look_up_at = min(look_up_at, due_at)
    when = {"look_up_at": look_up_at, "look_ups": look_ups}
    db.execute(update(payments).where(payments.c.id == payment.id).values(when))
