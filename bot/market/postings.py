"""What each event of a payment posts to the ledger: lines of (account, francs) that sum to zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.market import ledger

if TYPE_CHECKING:
    from bot.market.payments import Payment

Lines = list[tuple[str, int]]


_STEPS = ("owed", "succeeded", "failed", "suspense", "settled")


def causes_of(reference: str) -> list[str]:
    """Every cause under which this payment may stand in the ledger."""
    return [f"payment:{reference}:{step}" for step in _STEPS]


def owed(payment: Payment) -> Lines:
    """A payout or refund was made; what a collection brings is owed by its bill."""
    if payment.kind == "collection":
        return []
    return [(ledger.payable(payment.contact_id), -payment.amount_rwf), _other_side(payment)]


def succeeded(payment: Payment, fee_rwf: int) -> Lines:
    """The money is where it was to go; the fee is the hub's."""
    amount_rwf = payment.amount_rwf
    if payment.kind == "collection":
        debt = (_paid_by(payment), -amount_rwf)
        return [debt, *_through_the_float(amount_rwf, fee_rwf)]
    debt = (ledger.payable(payment.contact_id), amount_rwf)
    return [debt, *_through_the_float(-amount_rwf, fee_rwf)]


def failed(payment: Payment) -> Lines:
    """No money moved: nothing is owed by this payment any more."""
    return [(account, -rwf) for account, rwf in owed(payment)]


def suspended(payment: Payment, told_rwf: int, fee_rwf: int) -> Lines:
    """The operator moved `told_rwf` otherwise than we asked: it stands apart from the debt."""
    moved_rwf = told_rwf if payment.kind == "collection" else -told_rwf
    return [(ledger.SUSPENSE, -moved_rwf), *_through_the_float(moved_rwf, fee_rwf)]


def settled(payment: Payment, suspense_rwf: int, *, paid: bool) -> Lines:
    """Staff found out what became of a flagged payment; what stood in suspense for it is gone.

    Not paid means that nothing moved, or that the operator has taken it back.
    """
    if not paid:
        back: Lines = [(ledger.SUSPENSE, -suspense_rwf), (ledger.HUB_FLOAT, suspense_rwf)]
        return _told([*failed(payment), *back])
    if not suspense_rwf:
        return succeeded(payment, 0)
    if payment.sale_id is not None and payment.kind == "collection":
        # Whatever the buyer really paid is the seller's.
        return [(ledger.SALES, suspense_rwf), (ledger.SUSPENSE, -suspense_rwf)]
    collected = payment.kind == "collection"
    debt_rwf = -payment.amount_rwf if collected else payment.amount_rwf
    account = _paid_by(payment) if collected else ledger.payable(payment.contact_id)
    return _told([
        (account, debt_rwf),
        (ledger.SUSPENSE, -suspense_rwf),
        (ledger.WRITE_OFF, suspense_rwf - debt_rwf),
    ])  # fmt: skip


def _paid_by(payment: Payment) -> str:
    """What a collection pays: a bill of the person, or a seller's goods, passed on at once."""
    if payment.sale_id is not None:
        return ledger.SALES
    return ledger.receivable(payment.contact_id)


def _other_side(payment: Payment) -> tuple[str, int]:
    account = ledger.REVENUE if payment.kind == "refund" else ledger.SALES
    return account, payment.amount_rwf


def _through_the_float(moved_rwf: int, fee_rwf: int) -> Lines:
    return _told([(ledger.HUB_FLOAT, moved_rwf - fee_rwf), (ledger.FEES, fee_rwf)])


def _told(lines: Lines) -> Lines:
    """Without the lines of nothing, which the ledger refuses."""
    return [(account, rwf) for account, rwf in lines if rwf]
