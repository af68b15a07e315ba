"""What staff do about a payment, each in one transaction, each on record.

Nothing here decides what became of money: the operator's answer does, or two people together.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from bot.dashboard.access import newly_set_up
from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.payment_desk import subject_of
from bot.kept_text import kept_text
from bot.market import (
    clearance,
    passing_on_again,
    proposals,
    settlement,
    settling_by_hand,
    stopping,
)
from bot.market.letters import keys_of
from bot.market.limits import PayoutRules
from bot.market.payments import OPEN, Payment, locked
from bot.storage import outbox
from bot.storage.schema import outbox as letters

_REASON_MOST = 320


def ask(db: Connection, payment: Payment, by: Member, _form: dict[str, str], now: datetime) -> str:
    """The operator is asked about it at once; what is settled is not asked about again."""
    payment = locked(db, payment.reference)
    if payment.state not in OPEN or not payment.asks:
        return _noted(db, payment, by, "payment asked about", now, "no_effect")
    settlement.look_up_now(db, payment.callback_token, now)
    return _noted(db, payment, by, "payment asked about", now, "asked")


def send(db: Connection, payment: Payment, by: Member, _form: dict[str, str], now: datetime) -> str:
    """Its dead letters leave again under their old keys, while its end is not known."""
    payment = locked(db, payment.reference)
    mine = letters.c.dedupe_key.in_(keys_of(payment))
    dead = select(letters.c.dedupe_key).where(mine, letters.c.state == "dead")
    keys = list(db.execute(dead).scalars()) if payment.state in OPEN else []
    count = sum(outbox.replay(db, key, now) for key in keys)
    said = "again" if count else "no_effect"
    return _noted(db, payment, by, "payment sent again", now, said)


def release(
    db: Connection,
    payment: Payment,
    by: Member,
    _form: dict[str, str],
    rules: PayoutRules,
    now: datetime,
) -> str:
    """One of the two releases that it needs."""
    newly_set_up.check(db, by.name, now)
    outcome, _names = clearance.release(db, payment.reference, by.name, rules, now)
    return _noted(db, payment, by, "payment released", now, outcome)


def stop(db: Connection, payment: Payment, by: Member, form: dict[str, str], now: datetime) -> str:
    """Its operator is asked no more; it is flagged, for two people to end."""
    reason = _reason(form)
    outcome = stopping.stop(db, payment.reference, reason=reason, by=by.name, now=now)
    return _noted(db, payment, by, "payment stopped", now, outcome, reason=reason)


def propose(
    db: Connection, payment: Payment, by: Member, form: dict[str, str], now: datetime
) -> str:
    """The first of the two who end a flagged payment says what became of it."""
    newly_set_up.check(db, by.name, now)
    reason, end = _reason(form), form.get("end", "")
    if not reason or end not in {"succeeded", "failed"}:
        return "no_reason"
    payment = locked(db, payment.reference)
    if payment.state != "flagged":
        return "not_flagged"
    subject, terms = subject_of(payment), {"end": end, "version": payment.version}
    if not proposals.propose(db, "settle", subject, terms, reason, by.id, now):
        return "waits"
    return _noted(db, payment, by, "end proposed", now, "proposed", end=end, reason=reason)


def settle(
    db: Connection,
    payment: Payment,
    by: Member,
    form: dict[str, str],
    rules: PayoutRules,
    now: datetime,
) -> str:
    """The second of them agrees: the books hold it, its tickets are closed, the person is told."""
    newly_set_up.check(db, by.name, now)
    payment = locked(db, payment.reference)
    proposal = proposals.waiting(db, "settle", subject_of(payment))
    if proposal is None or proposal.details["version"] != payment.version:
        return "no_effect"
    if not proposals.is_meant(proposal, form):
        return "another"
    if not proposals.may_do(proposal, by.id, by.name):
        return "same_person"
    outcome = settling_by_hand.settle(
        db,
        payment.reference,
        proposal.details["end"],
        reason=proposal.reason,
        by=proposal.asker,
        second=by.name,
        rules=rules,
        now=now,
    )
    if outcome == "settled":
        proposals.end(db, proposal, "done", by.id, now)
    return outcome


def pass_on(
    db: Connection,
    payment: Payment,
    by: Member,
    form: dict[str, str],
    rules: PayoutRules,
    now: datetime,
) -> str:
    """What the operator refused to pay to a seller is paid again, once two release it."""
    reason, reference = _reason(form), payment.reference
    return passing_on_again.pass_on_again(
        db, reference, reason=reason, by=by.name, rules=rules, now=now
    )


def withdraw(
    db: Connection, payment: Payment, by: Member, form: dict[str, str], now: datetime
) -> str:
    """What was proposed is not wanted any more."""
    proposal = proposals.waiting(db, "settle", subject_of(payment))
    if proposal is None:
        return "no_effect"
    if not proposals.is_meant(proposal, form):
        return "another"
    proposals.end(db, proposal, "withdrawn", by.id, now)
    return _noted(db, payment, by, "end withdrawn", now, "withdrawn")


def _reason(form: dict[str, str]) -> str:
    return kept_text(form.get("reason", ""), _REASON_MOST)


def _noted(
    db: Connection,
    payment: Payment,
    by: Member,
    action: str,
    now: datetime,
    outcome: str,
    **more: str,
) -> str:
    note(db, by.name, action, subject_of(payment), now, outcome=outcome, **more)
    return outcome
