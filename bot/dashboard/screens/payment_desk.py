"""Payments as staff see them: what needs a person first, and each with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, func, or_, select

from bot.dashboard.screens.asked import PAGE, like
from bot.dashboard.screens.by_lots import Found, page_of
from bot.dashboard.screens.payment_words import KIND_WORDS
from bot.market import clearance, passing_on_again, payment_talks
from bot.market.approvals import approvals, staff_among
from bot.market.letters import keys_of, references_in
from bot.market.limits import PayoutRules
from bot.market.payment_talks import Talk
from bot.market.payments import OPEN, Payment, as_payment
from bot.market.postings import causes_of
from bot.market.proposals import Proposal, waiting
from bot.masking import without_numbers
from bot.msisdn import masked
from bot.storage.records import Records
from bot.storage.schema import (
    contacts,
    inbox,
    ledger_entries,
    ledger_lines,
    offers,
    orders,
    outbox,
    payment_events,
    payments,
    reconciliations,
)

NEEDS_A_PERSON = ("flagged", "unknown")


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment in a list, its number masked."""

    id: int
    payment: Payment
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of the ledger."""

    cause: str
    at: datetime
    account: str
    amount_rwf: int


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """One payment with its story. `letters` are its rows of the outbox.

    `is_refused`: it was to pass on what a buyer paid, and nothing has taken its place.
    """

    row: PaymentRow
    events: list[RowMapping]
    postings: list[Posting]
    callbacks: list[RowMapping]
    letters: list[RowMapping]
    talks: list[Talk]
    released_by: list[str]
    waits_for_release: bool
    proposal: Proposal | None
    is_refused: bool

    @property
    def off_rwf(self) -> int:
        """What its postings sum up to, which must be nothing."""
        return sum(one.amount_rwf for one in self.postings)


PAYMENTS = select(payments, contacts.c.names, contacts.c.msisdn).join(
    contacts, contacts.c.id == payments.c.contact_id
)


def payments_where(filters: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Which payments: by `state`, `kind`, `provider`, and `q` of reference, order or receipt."""
    which: list[ColumnElement[bool]] = []
    if filters.get("state"):
        which.append(payments.c.state == filters["state"])
    if filters.get("provider"):
        which.append(payments.c.provider == filters["provider"])
    if filters.get("kind"):
        is_refund = payments.c.refunds_id.is_not(None)
        out = payments.c.direction == "payout"
        kinds = {"payout": out & ~is_refund, "refund": is_refund, "collection": ~out}
        which.append(kinds[filters["kind"]])
    if filters.get("q"):
        wanted = like(filters["q"].lower())
        which.append(
            or_(
                payments.c.reference.like(wanted, escape="\\"),
                func.lower(payments.c.order_code).like(wanted, escape="\\"),
                func.lower(payments.c.proof_code).like(wanted, escape="\\"),
            )
        )
    return which


async def payments_page(
    records: Records, filters: Mapping[str, str], before: int
) -> tuple[list[PaymentRow], Found]:
    """A page of payments, the newest first; and how far it went."""
    which, wanted = payments_where(filters), filters.get("q", "")
    exact = _named(wanted) if wanted else None
    found = await page_of(records, PAYMENTS, payments.c.id, which, before, exact)
    return [_row(row) for row in found.rows], found


def _named(text: str) -> ColumnElement[bool]:
    """The payments of which this is the whole reference, receipt or order."""
    code = select(offers.c.id).join(orders, orders.c.id == offers.c.order_id)
    return or_(
        payments.c.reference == text.lower(),
        payments.c.proof_code == text.upper(),
        payments.c.offer_id.in_(code.where(orders.c.code == text.upper())),
    )


def to_be_looked_at(db: Connection, rules: PayoutRules) -> list[PaymentRow]:
    """Flagged, unknown, given up, then what waits for two people: the oldest of each first."""
    found = []
    for which in (*(payments.c.state == state for state in NEEDS_A_PERSON), not_sent()):
        query = PAYMENTS.where(which).order_by(payments.c.id).limit(PAGE)
        new = [_row(row) for row in db.execute(query).mappings()]
        found += [row for row in new if row not in found]
    held = [one.payment.id for one in clearance.waiting(db, rules, PAGE)]
    query = PAYMENTS.where(payments.c.id.in_(held)).order_by(payments.c.id)
    return found + [_row(row) for row in db.execute(query).mappings()]


def not_sent() -> ColumnElement[bool]:
    """Whether a payment that is not settled has a dead letter: it does not leave by itself."""
    mine = outbox.c.kind.in_(KIND_WORDS), outbox.c.state == "dead"
    return payments.c.state.in_(OPEN) & payments.c.reference.in_(references_in(*mine))


def last_reconciliations(db: Connection) -> list[RowMapping]:
    """What the newest comparison with each operator's statements came to."""
    newest = select(func.max(reconciliations.c.id)).group_by(reconciliations.c.provider)
    query = select(reconciliations).where(reconciliations.c.id.in_(newest))
    return list(db.execute(query.order_by(reconciliations.c.provider)).mappings())


def one_payment(db: Connection, payment_id: int, rules: PayoutRules) -> PaymentPage | None:
    """The payment with this id, with all that is known of it."""
    found = db.execute(PAYMENTS.where(payments.c.id == payment_id)).mappings().first()
    if found is None:
        return None
    row = _row(found)
    payment = row.payment
    events = select(payment_events).where(payment_events.c.payment_id == payment_id)
    called = (inbox.c.token == payment.callback_token) & (inbox.c.token != "")
    known = select(inbox.c.source, inbox.c.received_at, inbox.c.outcome).where(called)
    mine = outbox.c.dedupe_key.in_(keys_of(payment))
    return PaymentPage(
        row,
        list(db.execute(events.order_by(payment_events.c.id)).mappings()),
        _postings(db, payment.reference),
        list(db.execute(known.order_by(inbox.c.id).limit(PAGE)).mappings()),
        list(db.execute(select(outbox).where(mine).order_by(outbox.c.id)).mappings()),
        payment_talks.of_payment(db, payment_id),
        staff_among(approvals(db, payment_id)),
        clearance.waits(db, payment, rules),
        waiting(db, "settle", subject_of(payment)),
        passing_on_again.is_refused(db, payment),
    )


def subject_of(payment: Payment) -> str:
    """What the audit and the proposals call it."""
    return f"payment {payment.reference}"


def _postings(db: Connection, reference: str) -> list[Posting]:
    query = (
        select(
            ledger_entries.c.cause,
            ledger_entries.c.at,
            ledger_lines.c.account,
            ledger_lines.c.amount_rwf,
        )
        .join(ledger_lines, ledger_lines.c.entry_id == ledger_entries.c.id)
        .where(ledger_entries.c.cause.in_(causes_of(reference)))
        .order_by(ledger_lines.c.id)
    )
    return [Posting(*row) for row in db.execute(query).all()]


def _row(row: RowMapping) -> PaymentRow:
    number = row["payee_msisdn"] or row["msisdn"] or ""
    payment = as_payment(row)
    name = without_numbers(row["names"])
    return PaymentRow(row["id"], payment, masked(number) if number else "", name)
