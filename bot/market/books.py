"""Whether the books are right: the ledger against itself, and against the payments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Table,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    select,
    true,
)

from bot.market import ledger
from bot.market.approvals import approvals, is_as_approved
from bot.market.passing_on_again import unasked
from bot.market.payments import OPEN, as_payment
from bot.storage.schema import bills, ledger_entries, ledger_lines, payments, tickets
from bot.storage.snapshot import one_moment

_ASK = "stop payouts and call the developers: this cannot come from the program itself"
_PLAIN = (ledger.HUB_FLOAT, ledger.FEES, ledger.SALES, ledger.SUSPENSE)
# Shown once there is something in them.
_RARE = (ledger.REVENUE, ledger.WRITE_OFF)
_OF_BUYER = payments.c.sale_id.is_not(None) & (payments.c.direction == "collection")
_OWED, _TO_GET = "farmer_payable:", "receivable:"
# The state in which a payment has each entry; None: in every state.
_ENTRIES = {"owed": None, "succeeded": "succeeded", "failed": "failed"}
# A collection is owed by its bill, and one that failed owes nothing less.
_NOT_OF_COLLECTIONS = ("owed", "failed")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and what to do about it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Books:
    """What was counted and what is wrong. Balances are in francs, farmers' payables together."""

    entries: int
    lines: int
    payments: int
    balances: dict[str, int]
    faults: list[Fault]


def check(db: Connection) -> Books:
    """Count and check everything as of one moment; no fault means that the books are right."""
    with one_moment(db):
        return _check(db)


def _check(db: Connection) -> Books:
    accounts = _accounts(db)
    faults = [
        *_off_entries(db),
        *_lines_alone(db),
        *_strange_accounts(accounts),
        *_entries_of_payments(db),
        *_entries_of_nothing(db),
        *_wrong_amounts(db),
        *_wrong_payables(db, accounts),
        *_not_as_approved(db),
        *_wrong_receivables(db, accounts),
        *_left_in_suspense(db),
        *_not_passed_on(db),
        *_owed_and_forgotten(db),
    ]
    return Books(
        _count(db, ledger_entries),
        _count(db, ledger_lines),
        _count(db, payments),
        _together(accounts),
        faults,
    )


def _count(db: Connection, table: Table) -> int:
    return int(db.execute(select(func.count()).select_from(table)).scalar_one())


def _accounts(db: Connection) -> dict[str, int]:
    query = select(ledger_lines.c.account, func.sum(ledger_lines.c.amount_rwf)).group_by(
        ledger_lines.c.account
    )
    return {row[0]: int(row[1]) for row in db.execute(query)}


def _together(accounts: dict[str, int]) -> dict[str, int]:
    shown = {name: accounts.get(name, 0) for name in _PLAIN}
    shown |= {name: accounts[name] for name in _RARE if name in accounts}
    shown["farmer_payable"] = _sum_of(accounts, _OWED)
    if any(account.startswith(_TO_GET) for account in accounts):
        shown["receivable"] = _sum_of(accounts, _TO_GET)
    return shown


def _sum_of(accounts: dict[str, int], start: str) -> int:
    return sum(rwf for account, rwf in accounts.items() if account.startswith(start))


def _off_entries(db: Connection) -> Iterator[Fault]:
    total = func.sum(ledger_lines.c.amount_rwf)
    query = (
        select(ledger_entries.c.cause, total)
        .join(ledger_lines, ledger_lines.c.entry_id == ledger_entries.c.id, isouter=True)
        .group_by(ledger_entries.c.cause)
        .having((total != 0) | total.is_(None))
    )
    for cause, off_rwf in db.execute(query):
        wrong = "has no lines" if off_rwf is None else f"is off by {int(off_rwf)} Frw"
        yield Fault(f"entry {cause} {wrong}", _ASK)


def _lines_alone(db: Connection) -> Iterator[Fault]:
    entry = select(ledger_entries.c.id).where(ledger_entries.c.id == ledger_lines.c.entry_id)
    for row in db.execute(select(ledger_lines.c.id).where(~exists(entry))):
        yield Fault(f"line {row[0]} belongs to no entry", _ASK)


def _strange_accounts(accounts: dict[str, int]) -> Iterator[Fault]:
    for account in accounts:
        whose = account.removeprefix(_OWED).removeprefix(_TO_GET)
        if account not in (*_PLAIN, *_RARE) and not whose.isdecimal():
            yield Fault(f"account {account!r} is none of ours", _ASK)


def _entries_of_payments(db: Connection) -> Iterator[Fault]:
    """Each payment has the entries of its state, and no other."""
    for phase, state in _ENTRIES.items():
        posted = _posted(phase)
        # What staff ended has the entry that they made instead.
        instead = _posted("settled") if state is not None else false()
        has_it = select(payments.c.reference, payments.c.state)
        if state is not None:
            for row in db.execute(has_it.where(payments.c.state != state, posted)):
                yield Fault(
                    f"payment {row[0]} is {row[1]}, but the ledger holds it as {phase}", _ASK
                )
            has_it = has_it.where(payments.c.state == state)
        if phase in _NOT_OF_COLLECTIONS:
            has_it = has_it.where(payments.c.direction != "collection")
        for row in db.execute(has_it.where(~posted, ~instead)):
            yield Fault(f"payment {row[0]} is {row[1]}, but has no entry {phase!r}", _ASK)


def _entries_of_nothing(db: Connection) -> Iterator[Fault]:
    reference = func.substr(ledger_entries.c.cause, len("payment:") + 1, 36)
    payment = select(payments.c.id).where(payments.c.reference == reference)
    query = select(ledger_entries.c.cause).where(
        ledger_entries.c.cause.like("payment:%"), ~exists(payment)
    )
    for row in db.execute(query):
        yield Fault(f"entry {row[0]} is of a payment that is not there", _ASK)


def _wrong_amounts(db: Connection) -> Iterator[Fault]:
    """What was posted for a payment that arrived is its amount, and its fee."""
    out = payments.c.direction == "payout"
    moved_rwf = case((out, -payments.c.amount_rwf), else_=payments.c.amount_rwf)
    expected = {
        "payable": (_whose(_OWED), payments.c.amount_rwf, out),
        "receivable": (_whose(_TO_GET), -payments.c.amount_rwf, ~out & ~_OF_BUYER),
        "sales": (literal(ledger.SALES), -payments.c.amount_rwf, _OF_BUYER),
        "float": (literal(ledger.HUB_FLOAT), moved_rwf - payments.c.fee_rwf, true()),
    }
    for name, (account, amount_rwf, which) in expected.items():
        posted = (
            select(func.sum(ledger_lines.c.amount_rwf))
            .join(ledger_entries, ledger_entries.c.id == ledger_lines.c.entry_id)
            .where(ledger_entries.c.cause == _cause("succeeded"), ledger_lines.c.account == account)
            .scalar_subquery()
        )
        query = select(payments.c.reference, amount_rwf, posted).where(
            payments.c.state == "succeeded", posted != amount_rwf, which
        )
        for reference, wanted, found in db.execute(query):
            yield Fault(
                f"payment {reference}: {int(found)} Frw posted to {name}, should be {wanted}",
                "compare the payment with the operator's statement: isoko ledger reconcile",
            )


def _wrong_payables(db: Connection, accounts: dict[str, int]) -> Iterator[Fault]:
    """What is owed to a person is what is still to be paid; nothing hangs after it was paid."""
    is_open = payments.c.state.not_in(("succeeded", "failed"))
    unsettled = is_open & (payments.c.direction != "collection")
    query = (
        select(payments.c.contact_id, func.sum(payments.c.amount_rwf))
        .where(unsettled)
        .group_by(payments.c.contact_id)
    )
    to_pay = {ledger.payable(row[0]): int(row[1]) for row in db.execute(query)}
    owed = {account: -rwf for account, rwf in accounts.items() if account.startswith(_OWED)}
    for account in sorted(owed.keys() | to_pay.keys()):
        owed_rwf, to_pay_rwf = owed.get(account, 0), to_pay.get(account, 0)
        if owed_rwf != to_pay_rwf:
            yield Fault(
                f"{account}: {owed_rwf} Frw owed, but payments of {to_pay_rwf} Frw under way",
                "look at this person's payments and entries before the next payout",
            )


def _not_as_approved(db: Connection) -> Iterator[Fault]:
    """What is under way still is what was approved."""
    for row in db.execute(select(payments).where(payments.c.state.in_(OPEN))).mappings():
        payment = as_payment(row)
        if not is_as_approved(db, payment, approvals(db, payment.id)):
            yield Fault(
                f"payment {payment.reference} is not what was approved",
                "it will not be sent: find out who changed it, and with what",
            )


def _wrong_receivables(db: Connection, accounts: dict[str, int]) -> Iterator[Fault]:
    """What a person owes is what their bills ask for and no collection has brought."""
    paid = exists().where(payments.c.bill_id == bills.c.id, payments.c.state == "succeeded")
    query = (
        select(bills.c.contact_id, func.sum(bills.c.amount_rwf))
        .where(~paid, bills.c.withdrawn_at.is_(None))
        .group_by(bills.c.contact_id)
    )
    asked = {ledger.receivable(row[0]): int(row[1]) for row in db.execute(query)}
    posted = {account: rwf for account, rwf in accounts.items() if account.startswith(_TO_GET)}
    for account in sorted(posted.keys() | asked.keys()):
        if posted.get(account, 0) != asked.get(account, 0):
            yield Fault(
                f"{account}: {posted.get(account, 0)} Frw posted, but bills of "
                f"{asked.get(account, 0)} Frw are not paid",
                "look at this person's bills and collections before the next bill",
            )


def _left_in_suspense(db: Connection) -> Iterator[Fault]:
    """What stands in suspense is that of flagged payments; a settled one has left nothing."""
    reference = func.substr(ledger_entries.c.cause, len("payment:") + 1, 36)
    rest_rwf = func.sum(ledger_lines.c.amount_rwf)
    query = (
        select(payments.c.reference, rest_rwf)
        .join(ledger_entries, payments.c.reference == reference)
        .join(ledger_lines, ledger_lines.c.entry_id == ledger_entries.c.id)
        .where(ledger_lines.c.account == ledger.SUSPENSE, payments.c.state != "flagged")
        .group_by(payments.c.reference)
        .having(rest_rwf != 0)
    )
    for row in db.execute(query):
        yield Fault(f"payment {row[0]} is settled, but {int(row[1])} Frw stand in suspense", _ASK)


def _not_passed_on(db: Connection) -> Iterator[Fault]:
    """What buyers have paid goes on to the seller, as much of it; and nothing else does."""
    really_rwf = func.coalesce(payments.c.moved_rwf, payments.c.amount_rwf)
    sides = select(payments.c.sale_id, really_rwf.label("rwf"))
    paid = sides.where(_OF_BUYER, payments.c.state == "succeeded").subquery()
    out = (payments.c.sale_id == paid.c.sale_id) & (payments.c.direction == "payout")
    alive = out & (payments.c.state != "failed")
    came = select(paid.c.sale_id).outerjoin(payments, alive).where(payments.c.id.is_(None))
    for row in db.execute(came).all():
        yield from _kept_of_sale(db, row[0])
    outs = select(payments.c.sale_id).outerjoin(paid, payments.c.sale_id == paid.c.sale_id)
    wrong = paid.c.rwf.is_(None) | (paid.c.rwf != payments.c.amount_rwf)
    passed = (payments.c.direction == "payout") & payments.c.sale_id.is_not(None)
    for row in db.execute(outs.where(passed, wrong)):
        yield Fault(f"sale {row[0]} is passed on, but its buyer has not paid as much", _ASK)


def _kept_of_sale(db: Connection, sale_id: int) -> Iterator[Fault]:
    """What the operator refused to pay to the seller is with staff while its ticket is open."""
    out = (payments.c.sale_id == sale_id) & (payments.c.direction == "payout")
    spoken = payments.c.order_code + literal(" ") + payments.c.proof_code
    query = select(tickets.c.id, payments.c.id).select_from(payments)
    of_it = (tickets.c.about == spoken) & (tickets.c.category == "payment_missing")
    rows = db.execute(query.outerjoin(tickets, of_it & (tickets.c.state == "open")).where(out))
    ticket_ids = [row[0] for row in rows]
    if not ticket_ids:
        yield Fault(f"sale {sale_id} is paid, but not passed on to the seller", _ASK)
    elif not any(ticket_ids):
        yield Fault(
            f"sale {sale_id} is paid, its payout to the seller was refused, and no ticket is open",
            "isoko payments refused, then isoko payments pass-on",
        )


def _owed_and_forgotten(db: Connection) -> Iterator[Fault]:
    """A payout that failed is in no account any more: what is owed is what its ticket says."""
    for payment in unasked(db):
        yield Fault(
            f"order {payment.order_code} P-{payment.offer_id}: delivered, its payout "
            f"{payment.reference} failed, nobody asked: no open ticket",
            "isoko payments refused, then isoko payments pass-on",
        )


def _cause(phase: str) -> ColumnElement[str]:
    return literal("payment:") + payments.c.reference + literal(f":{phase}")


def _posted(phase: str) -> ColumnElement[bool]:
    return exists(select(ledger_entries.c.id).where(ledger_entries.c.cause == _cause(phase)))


def _whose(account: str) -> ColumnElement[str]:
    return literal(account) + cast(payments.c.contact_id, String)
