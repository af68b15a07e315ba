"""Ending a flagged payment by hand: two people say what became of it, and suspense is emptied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, insert, select

from bot.kept_text import kept_text
from bot.market import ledger, postings, settlement
from bot.market.approvals import HUB
from bot.market.limits import PayoutRules
from bot.market.payments import Payment, as_payment, by_reference, change, locked
from bot.market.staff_names import look_alike
from bot.market.tickets import ABOUT_MONEY, close
from bot.storage.schema import audit, ledger_entries, ledger_lines, payments, tickets

End = Literal["succeeded", "failed"]
Settled = Literal["settled", "gone", "not_flagged", "one_name", "no_reason"]


@dataclass(frozen=True, slots=True)
class Flagged:
    """A payment that waits for people, what stands in suspense for it (francs), and its ticket."""

    payment: Payment
    suspense_rwf: int
    ticket: str


def flagged(db: Connection) -> list[Flagged]:
    """Every flagged payment, the oldest first."""
    query = select(payments).where(payments.c.state == "flagged").order_by(payments.c.id)
    found = [as_payment(row) for row in db.execute(query).mappings().all()]
    return [Flagged(one, _suspense_rwf(db, one), _ticket(db, one)) for one in found]


def settle(
    db: Connection,
    reference: str,
    end: End,
    *,
    reason: str,
    by: str,
    second: str,
    rules: PayoutRules,
    now: datetime,
) -> Settled:
    """End a flagged payment as two different people found it to be; kept in the audit.

    "succeeded": the money is where it was to go. "failed": none moved, or the operator has taken
    it back. The person is told; the tickets of this payment are closed, and for what is still owed
    to them there is a new one, for they are promised a call. What a buyer paid is passed on by the
    `rules` of payouts.
    """
    names = [_plain(name) for name in (by, second)]
    if not all(names) or HUB in names or look_alike(*names):
        return "one_name"
    if not reason.strip():
        return "no_reason"
    if by_reference(db, reference) is None:
        return "gone"
    reason, payment = kept_text(reason, 320), locked(db, reference)
    if payment.state != "flagged":
        return "not_flagged"
    suspense_rwf = _suspense_rwf(db, payment)
    paid = end == "succeeded"
    other_rwf = abs(suspense_rwf) not in (0, payment.amount_rwf)
    said = f"{' and '.join(names)}: {reason.strip()}"[:160]
    change(
        db,
        payment,
        "succeed" if paid else "fail",
        f"staff {names[0]}"[:40],
        now,
        settled_at=now,
        reason=said,
        look_up_at=None,
        moved_rwf=abs(suspense_rwf) if paid and other_rwf else None,
        payee_msisdn=settlement.payee_to_keep(db, payment),
    )
    lines = postings.settled(payment, suspense_rwf, paid=paid)
    if lines:
        ledger.post(db, f"payment:{reference}:settled", lines, now)
    _write_down(db, payment, end, reason, names, suspense_rwf, now)
    _close_tickets(db, payment, now)
    if paid:
        settlement.tell_paid(db, reference, now, rules)
    else:
        settlement.tell_failed(db, reference, now)
    return "settled"


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()[:40]


def _suspense_rwf(db: Connection, payment: Payment) -> int:
    query = (
        select(func.sum(ledger_lines.c.amount_rwf))
        .join(ledger_entries, ledger_entries.c.id == ledger_lines.c.entry_id)
        .where(ledger_entries.c.cause == f"payment:{payment.reference}:suspense")
        .where(ledger_lines.c.account == ledger.SUSPENSE)
    )
    return int(db.execute(query).scalar() or 0)


def _ticket(db: Connection, payment: Payment) -> str:
    mine = (tickets.c.about == settlement.about(payment)) & (tickets.c.state == "open")
    flags = mine & (tickets.c.category == "payment_flagged")
    return str(db.execute(select(tickets.c.code).where(flags).limit(1)).scalar() or "")


def _close_tickets(db: Connection, payment: Payment, now: datetime) -> None:
    mine = (tickets.c.about == settlement.about(payment)) & (tickets.c.state == "open")
    of_money = mine & tickets.c.category.in_(ABOUT_MONEY)
    close(db, of_money, now)


def _write_down(
    db: Connection,
    payment: Payment,
    end: End,
    reason: str,
    names: list[str],
    suspense_rwf: int,
    now: datetime,
) -> None:
    line = {
        "at": now,
        "actor": names[0],
        "action": f"payment settled as {end}",
        "subject": f"payment {payment.reference}",
        "details": {
            "second": names[1],
            "reason": reason.strip()[:320],
            "flagged_for": payment.reason,
            "suspense_rwf": suspense_rwf,
        },
    }
    db.execute(insert(audit), line)
