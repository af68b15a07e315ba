"""Bills: what a person is to pay the hub, for which order and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, RowMapping, exists, func, insert, select, update

from bot.kept_text import kept_text
from bot.market import ledger
from bot.storage.schema import audit, bills, orders, payments

LARGEST_RWF = 5_000_000
Withdrawn = Literal["withdrawn", "gone", "before", "paid", "paying", "no_name"]


class BillRefused(ValueError):
    """This bill may not be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What somebody owes the hub, in francs."""

    id: int
    contact_id: int
    order_code: str
    amount_rwf: int
    why: str


_all = select(bills)
_standing = _all.where(bills.c.withdrawn_at.is_(None))
_refunds = payments.alias()
# What was paid for it is with its payer again.
_GIVEN_BACK = exists().where(
    payments.c.bill_id == bills.c.id,
    _refunds.c.refunds_id == payments.c.id,
    _refunds.c.state == "succeeded",
)


def ask(
    db: Connection,
    *,
    contact_id: int,
    order_code: str,
    amount_rwf: int,
    why: str,
    by: str,
    now: datetime,
    again: bool = False,
) -> Bill:
    """Make a bill and owe it in the ledger. Raises `BillRefused`; then nothing was written.

    One that this person has for this order already, open or the very same, is not made a second
    time unless `again`: who asks may not know whether the first asking arrived.
    """
    _refuse(db, order_code, amount_rwf)
    if not again:
        _refuse_a_second(db, contact_id, order_code, amount_rwf, why[:80])
    values = {
        "contact_id": contact_id,
        "order_code": order_code,
        "amount_rwf": amount_rwf,
        "why": why[:80],
        "by": by[:40],
        "asked_at": now,
    }
    key = db.execute(insert(bills).values(values)).inserted_primary_key
    bill_id = int(key[0]) if key else 0
    bill = Bill(bill_id, contact_id, order_code, amount_rwf, why[:80])
    if not ledger.post(db, f"bill:{bill_id}:owed", _owed(bill), now):
        raise RuntimeError(f"the ledger holds another bill {bill_id} already")
    return bill


def withdraw(
    db: Connection, bill_id: int, why: str, by: str, now: datetime
) -> tuple[Withdrawn, Bill | None]:
    """Nobody is to pay this bill any more: its entry is reversed, and the audit says why.

    Refused ("paying") while a collection of it may have moved money, also one that is flagged, and
    once it was paid. Gives the bill as it was.
    """
    name = " ".join(by.split())[:40]
    if not name or not why.strip():
        return "no_name", None
    # Held, as by a person's yes to it: the one who comes second finds what the first has done.
    held = _all.where(bills.c.id == bill_id).with_for_update()
    row = db.execute(held).mappings().first()
    if row is None:
        return "gone", None
    bill = _bill(row)
    if row["withdrawn_at"] is not None:
        return "before", bill
    alive = (payments.c.bill_id == bill_id) & (payments.c.state != "failed")
    state = db.execute(select(payments.c.state).where(alive)).scalar()
    if state is not None:
        return ("paid" if state == "succeeded" else "paying"), bill
    db.execute(update(bills).where(bills.c.id == bill_id).values(withdrawn_at=now))
    back = [(account, -rwf) for account, rwf in _owed(bill)]
    if not ledger.post(db, f"bill:{bill_id}:withdrawn", back, now):
        raise RuntimeError(f"the ledger holds bill {bill_id} as withdrawn already")
    line = {"at": now, "actor": name, "action": "bill withdrawn", "subject": f"bill {bill_id}"}
    db.execute(insert(audit).values(**line, details={"why": kept_text(why, 320)}))
    return "withdrawn", bill


def by_id(db: Connection, bill_id: int, contact_id: int) -> Bill | None:
    """This person's bill; another person's is None, and one that was withdrawn."""
    query = _standing.where(bills.c.id == bill_id, bills.c.contact_id == contact_id)
    row = db.execute(query).mappings().first()
    return None if row is None else _bill(row)


def to_pay(db: Connection, contact_id: int) -> list[Bill]:
    """What a person has still to pay, and is not paying already; the oldest first."""
    paying = exists().where(payments.c.bill_id == bills.c.id, payments.c.state != "failed")
    query = _standing.where(bills.c.contact_id == contact_id, ~paying).order_by(bills.c.id)
    return [_bill(row) for row in db.execute(query).mappings()]


def _refuse(db: Connection, order_code: str, amount_rwf: int) -> None:
    if type(amount_rwf) is not int or amount_rwf <= 0:
        raise BillRefused("a bill is a positive whole number of francs")
    if amount_rwf > LARGEST_RWF:
        raise BillRefused(f"{amount_rwf} is over the largest payment, {LARGEST_RWF}")
    # Held, so that two at once cannot pass the order's sum together.
    wanted = orders.c.code == order_code
    order = db.execute(select(orders).where(wanted).with_for_update()).mappings().first()
    if order is None:
        raise BillRefused(f"there is no order {order_code}")
    billed = select(func.sum(bills.c.amount_rwf)).where(
        bills.c.order_code == order_code, bills.c.withdrawn_at.is_(None), ~_GIVEN_BACK
    )
    total_rwf = int(db.execute(billed).scalar() or 0) + amount_rwf
    if total_rwf > order["packs"] * order["sale_price_rwf"]:
        raise BillRefused(f"{total_rwf} is over what order {order_code} sells for")


def _refuse_a_second(
    db: Connection, contact_id: int, order_code: str, amount_rwf: int, why: str
) -> None:
    # After the order is held: two askings at once come one after the other.
    paid = exists().where(payments.c.bill_id == bills.c.id, payments.c.state == "succeeded")
    the_same = (bills.c.amount_rwf == amount_rwf) & (bills.c.why == why)
    query = _standing.where(
        bills.c.contact_id == contact_id, bills.c.order_code == order_code, ~paid | the_same
    )
    row = db.execute(query.order_by(bills.c.id).limit(1)).mappings().first()
    if row is not None:
        raise BillRefused(
            f"bill {row['id']} asks them for {row['amount_rwf']} for order {order_code} already; "
            "add --again for one more, or withdraw that one"
        )


def _owed(bill: Bill) -> list[tuple[str, int]]:
    debt = (ledger.receivable(bill.contact_id), bill.amount_rwf)
    return [debt, (ledger.REVENUE, -bill.amount_rwf)]


def _bill(row: RowMapping) -> Bill:
    return Bill(row["id"], row["contact_id"], row["order_code"], row["amount_rwf"], row["why"])
