"""Operators that are out of order: judged by their own answers, and remembered for all processes.

Each line of an operator (see `lines`) is judged by itself; "provider" here is the name of a line.

A payment of such an operator waits in the outbox, untried. Later the operator is asked whether it
works; then what waited leaves, the oldest first, a few at a time, before anything newer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.market import clearance, outage_news
from bot.market.letters import references_in
from bot.market.limits import USUAL, PayoutRules
from bot.market.lines import line_column, line_of
from bot.market.payments import OPEN, Payment, as_payment, by_reference
from bot.payments.provider import Answer
from bot.storage import outbox
from bot.storage.outbox import OutboxRow
from bot.storage.schema import operators, payments
from bot.storage.schema import outbox as outbox_rows
from bot.storage.schema.delivery import HAS_VIA
from bot.storage.set_back import has_come

_TOLD_AT_ONCE = 100
# What an operator did not answer to may have arrived there: so long nothing is asked again.
ASK_AGAIN_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class OutageRules:
    """When an operator counts as out of order, and how it is taken up again.

    After `failures` payments in a row had no answer, each counted once; it is asked every
    `probe_s`, and then `release_batch` payments leave every `release_s`.
    """

    failures: int = 5
    probe_s: float = 30.0
    release_batch: int = 10
    release_s: float = 1.0


USUAL_OUTAGE = OutageRules()


@dataclass(frozen=True, slots=True)
class Standing:
    """An operator that does not work, or is being taken up again, and what waits for it."""

    provider: str
    state: str
    since: datetime
    why: str
    waiting: int


def note(
    db: Connection, payment: Payment, answer: Answer, rules: OutageRules, now: datetime
) -> None:
    """Judge the payment's line by one answer to it, which may be none at all."""
    judge(db, line_of(payment), payment.reference, answer, rules, now)


def judge(
    db: Connection, provider: str, reference: str, answer: Answer, rules: OutageRules, now: datetime
) -> None:
    """Judge a line by one answer to the payment `reference`."""
    works = not answer.down
    known = operators.c.provider == provider
    row = db.execute(select(operators).where(known)).mappings().first()
    if works and (row is None or (row["state"] == "working" and not row["failures"])):
        return
    if row is None:
        _begin(db, provider)
    row = db.execute(select(operators).where(known).with_for_update()).mappings().one()
    if works:
        # Of one that is down only a probe tells: an answer may have been under way for long.
        if row["state"] == "working":
            db.execute(update(operators).where(known).values(failures=0, unanswered=[]))
        return
    values = _after_none(row, reference, answer.reason, rules, now)
    db.execute(update(operators).where(known).values(values))


def _after_none(
    row: RowMapping, reference: str, why: str, rules: OutageRules, now: datetime
) -> dict[str, Any]:
    """What stands on an operator's row after no answer to `reference`."""
    values: dict[str, Any] = {"why": why[:80]}
    if row["state"] == "recovering":
        # It may be this payment's own trouble, so it is asked at once.
        return values | {"state": "down", "next_at": now}
    if row["state"] == "down":
        return values
    # One that is never answered, however often it is asked about, is no outage.
    unanswered = [*(one for one in row["unanswered"] if one != reference), reference]
    values |= {"unanswered": unanswered, "failures": len(unanswered)}
    if len(unanswered) >= rules.failures:
        probe = {"next_at": now + timedelta(seconds=rules.probe_s), "back_at": None}
        new = {"outage": row["outage"] + 1, "since": now, "told_up_to": 0}
        values |= {"state": "down", **new, **probe}
    return values


def shut(db: Connection) -> tuple[str, ...]:
    """The operators through which nothing leaves by itself now."""
    query = select(operators.c.provider).where(operators.c.state != "working")
    return tuple(db.execute(query).scalars())


def down(db: Connection) -> tuple[str, ...]:
    """The operators that are out of order."""
    query = select(operators.c.provider).where(operators.c.state == "down")
    return tuple(db.execute(query).scalars())


def is_down(db: Connection, provider: str) -> bool:
    """Whether this operator is out of order."""
    return provider in down(db)


def due_probes(db: Connection, rules: OutageRules, now: datetime) -> list[str]:
    """Operators that are to be asked whether they work again; no other process asks them too."""
    longest = timedelta(seconds=rules.probe_s)
    due = (operators.c.state == "down") & has_come(operators.c.next_at, now, longest)
    query = select(operators.c.provider).where(due).with_for_update(skip_locked=True)
    found = list(db.execute(query).scalars())
    later = now + timedelta(seconds=rules.probe_s)
    db.execute(update(operators).where(operators.c.provider.in_(found)).values(next_at=later))
    return found


def ask_about_unsure(db: Connection, provider: str, now: datetime) -> None:
    """What is not known of this line's payments is looked up now, once in an outage.

    In a transaction of its own, before `works_again`: answers hold a payment before the operator.
    """
    first = exists(literal(1)).where(
        operators.c.provider == provider, operators.c.back_at.is_(None)
    )
    unsure = (line_column() == provider) & payments.c.state.in_(OPEN)
    asked = payments.c.look_up_at.is_not(None)
    db.execute(update(payments).where(unsure, asked, first).values(look_up_at=now))


def works_again(db: Connection, provider: str, now: datetime) -> None:
    """A probe was answered: what waits may leave."""
    was_down = (operators.c.provider == provider) & (operators.c.state == "down")
    first = func.coalesce(operators.c.back_at, literal(now, operators.c.back_at.type))
    back = {"state": "recovering", "failures": 0, "unanswered": [], "next_at": now}
    db.execute(update(operators).where(was_down).values(**back, back_at=first))


def is_release_due(
    db: Connection, rules: OutageRules, now: datetime, busy: tuple[str, ...] = ()
) -> bool:
    """Whether `release` would look at any operator now."""
    query = select(operators.c.provider).where(_may_release(rules, now, busy)).limit(1)
    return db.execute(query).first() is not None


def release(
    db: Connection,
    lease: str,
    rules: OutageRules,
    lease_s: float,
    now: datetime,
    payouts: PayoutRules = USUAL,
    busy: tuple[str, ...] = (),
) -> list[OutboxRow]:
    """Take the oldest few that waited for each operator that works again, and tell their people.

    Lines of `busy` wait for what was taken of them before. What has no answer even now is passed
    by. When nothing else waits the outage is over.
    """
    due = _may_release(rules, now, busy)
    query = select(operators).where(due).with_for_update(skip_locked=True)
    taken: list[OutboxRow] = []
    for one in db.execute(query).mappings().all():
        # It may have come back by a clock that has been set back since.
        line, early = one["provider"], min(one["back_at"] or now, now) + ASK_AGAIN_AFTER
        rows = outbox.claim_via(db, line, lease, now, lease_s, rules.release_batch, early)
        values: dict[str, Any] = {"next_at": now + timedelta(seconds=rules.release_s)}
        if not rows and not outbox.held(db, line, now, early):
            values = {"state": "working", "since": None, "next_at": None, "why": ""}
        db.execute(update(operators).where(operators.c.provider == line).values(values))
        for row in rows:
            payment = by_reference(db, row.payload["reference"])
            if payment is not None and payment.id <= one["told_up_to"]:
                _tell_it_goes_on(db, payment, one["outage"], payouts, now)
        taken += rows
    return taken


def _may_release(rules: OutageRules, now: datetime, busy: tuple[str, ...]) -> ColumnElement[bool]:
    longest = timedelta(seconds=rules.release_s)
    due = (operators.c.state == "recovering") & has_come(operators.c.next_at, now, longest)
    return due & operators.c.provider.not_in(busy)


def _tell_it_goes_on(
    db: Connection, payment: Payment, outage: int, payouts: PayoutRules, now: datetime
) -> None:
    if _goes_on(payment) and not clearance.needs_release(db, payment, payouts):
        outage_news.tell(db, payment, "back", outage, now)


def _goes_on(payment: Payment) -> bool:
    """Whether it only waits: a payer who was asked before it fell may have paid it."""
    never_asked = payment.state == "created" and not payment.asks
    return never_asked if payment.kind == "collection" else payment.state in OPEN


def tell_who_waits(db: Connection, now: datetime, payouts: PayoutRules = USUAL) -> int:
    """Tell some people whose payment waits for an operator that is down; how many were looked at.

    A person is told once in an outage, however many payments they wait for. What two people must
    release does not go on by itself, and what was asked for may be paid: of these nobody is told.
    """
    query = select(operators).where(operators.c.state == "down").with_for_update(skip_locked=True)
    looked = 0
    for one in db.execute(query).mappings().all():
        listed = _untold(db, one["provider"], one["told_up_to"])
        for payment in listed:
            if _goes_on(payment) and not clearance.needs_release(db, payment, payouts):
                outage_news.tell(db, payment, "down", one["outage"], now)
        if listed:
            known = operators.c.provider == one["provider"]
            db.execute(update(operators).where(known).values(told_up_to=listed[-1].id))
        looked += len(listed)
    return looked


def standing(db: Connection) -> list[Standing]:
    """Every operator that does not work, or is being taken up again."""
    query = select(operators).where(operators.c.state != "working").order_by(operators.c.provider)
    return [
        Standing(
            row["provider"], row["state"], row["since"], row["why"], _waiting(db, row["provider"])
        )
        for row in db.execute(query).mappings().all()
    ]


def _begin(db: Connection, provider: str) -> None:
    # Another process may begin it at this very moment.
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    db.execute(insert(operators).values(provider=provider).on_conflict_do_nothing())


def _waiting(db: Connection, provider: str) -> int:
    mine = (outbox_rows.c.via == provider) & (outbox_rows.c.state == "waiting")
    return int(db.execute(select(func.count()).where(mine)).scalar() or 0)


def _untold(db: Connection, provider: str, told_up_to: int) -> list[Payment]:
    mine = (outbox_rows.c.via == provider) & (outbox_rows.c.state == "waiting")
    # Also what was released, or is asked for again: under keys of their own.
    kept = payments.c.reference.in_(references_in(HAS_VIA, mine))
    query = (
        select(payments)
        .where(line_column() == provider, payments.c.state.in_(OPEN))
        .where(payments.c.id > told_up_to, kept)
        .order_by(payments.c.id)
        .limit(_TOLD_AT_ONCE)
    )
    return [as_payment(row) for row in db.execute(query).mappings()]
