"""One row of a statement beside our payment: the same, or what is wrong and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.i18n.ticket_sentences import PaymentDifference, StatementFinding
from bot.market.payments import OPEN, Payment
from bot.market.reconciliation.statement import BadRow, Row

_HOLD = "pay nothing more to this person before it is cleared up with the operator"
_ASK = "ask the operator for this transaction, and correct by hand only with both in writing"

_NEVER_LEFT = "ask the operator whether the money left; until then the person may not have it"
_NEVER_CAME = "ask the operator whether the money came; until then the bill may not be paid"


class Kind(StrEnum):
    """What a comparison can come to."""

    MATCHED = "matched"
    MISSING_HERE = "missing here"
    MISSING_THERE = "missing there"
    DIFFERING = "differing"
    OPEN = "not settled yet"
    OTHER_DAY = "of another day"
    BAD_ROW = "bad row"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one row or payment. `line` is 0 where the file has none for it.

    A true problem opens a ticket; `msisdn` and `contact_id` say whose. What both sides say stands
    in `row` and `ours`; `about` is the column in which they differ, "twice" for a reference that
    stands there again, "operator" for one that another was asked with.
    """

    kind: Kind
    line: int = 0
    reference: str = ""
    what: str = ""
    remedy: str = ""
    is_problem: bool = False
    msisdn: str = ""
    contact_id: int | None = None
    row: Row | BadRow | None = None
    ours: Payment | None = None
    about: str = ""


def judge(row: Row, ours: Payment | None, seen_before: bool, provider: str) -> Finding:
    """Compare a row with the payment of its reference; `seen_before` in the same file."""
    if ours is None:
        return _missing_here(row)
    if seen_before:
        return _differs(row, ours, "twice", StatementFinding.TWICE, _ASK)
    if ours.provider != provider:
        what = StatementFinding.OTHER_PROVIDER.format(provider=ours.provider)
        return _differs(row, ours, "operator", what, _HOLD)
    if ours.state in OPEN:
        return Finding(
            Kind.OPEN,
            row.number,
            ours.reference,
            f"the operator says {row.status}, ours is still {ours.state}",
            "the operator is asked again now: run this again in a minute",
            row=row,
            ours=ours,
        )
    wrong = _contradiction(row, ours)
    about, wrong = ("status", wrong) if wrong else _detail(row, ours)
    if wrong:
        return _differs(row, ours, about, wrong, _HOLD)
    return Finding(Kind.MATCHED, row.number, ours.reference)


def missing_there(payment: Payment, near_midnight: bool) -> Finding:
    """A payment that we count as paid, and that the statement does not have."""
    if near_midnight:
        return Finding(
            Kind.OTHER_DAY,
            0,
            payment.reference,
            "it was under way at midnight and is not in this statement",
            "look for it in the statement of the day before or after",
            ours=payment,
        )
    return Finding(
        Kind.MISSING_THERE,
        0,
        payment.reference,
        StatementFinding.MISSING_THERE.format(amount=payment.really_rwf, currency=payment.currency),
        _NEVER_CAME if payment.kind == "collection" else _NEVER_LEFT,
        is_problem=True,
        msisdn=payment.payee_msisdn,
        contact_id=payment.contact_id,
        ours=payment,
    )


def _missing_here(row: Row) -> Finding:
    left = row.status != "FAILED"
    return Finding(
        Kind.MISSING_HERE,
        row.number,
        row.reference,
        StatementFinding.MISSING_HERE.format(
            status=row.status, amount=row.amount, currency=row.currency
        ),
        "find out who paid with the hub's account, and change its keys"
        if left
        else "none: no money moved; find out who asked for it",
        is_problem=left,
        msisdn=row.payee_msisdn,
        row=row,
    )


def bad_row(row: BadRow) -> Finding:
    """A row of the file that is not compared."""
    remedy = "correct the row, then run again"
    return Finding(Kind.BAD_ROW, row.number, "", row.reason, remedy, row=row, about=row.column)


def _differs(row: Row, ours: Payment, about: str, what: str, remedy: str) -> Finding:
    # A flagged payment has its ticket from the moment it was flagged.
    is_new = ours.state != "flagged"
    return Finding(
        Kind.DIFFERING,
        row.number,
        ours.reference,
        what,
        remedy if is_new else "its ticket is open: settle it there",
        is_problem=is_new,
        msisdn=ours.payee_msisdn or row.payee_msisdn,
        contact_id=ours.contact_id,
        row=row,
        ours=ours,
        about=about,
    )


def _contradiction(row: Row, ours: Payment) -> str:
    same = {"succeeded": "SUCCESSFUL", "failed": "FAILED"}.get(ours.state)
    return "" if row.status == same else _terms(row.status, ours.state)


def _terms(theirs: object, ours: object) -> str:
    return PaymentDifference.TERMS.format(theirs=theirs, ours=ours)


def _detail(row: Row, ours: Payment) -> tuple[str, str]:
    if row.amount != ours.really_rwf:
        return "amount", _terms(row.amount, ours.really_rwf)
    if row.currency != ours.currency:
        return "currency", _terms(repr(row.currency[:8]), ours.currency)
    # A person who was forgotten has no number with us any more.
    if ours.payee_msisdn and row.payee_msisdn != ours.payee_msisdn:
        return "payee", PaymentDifference.PAYEE
    txn_id = ours.provider_txn_id
    # Of what two people ended as paid without an answer of the operator we have none.
    if ours.state == "succeeded" and txn_id and row.transaction_id != txn_id:
        what = StatementFinding.TRANSACTION.format(
            theirs=repr(row.transaction_id), own=repr(txn_id)
        )
        return "transaction_id", what
    return "", ""
