"""Bills: what a person is to pay the hub, for which order and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, exists, func, insert, select

from bot.market import ledger
from bot.storage.schema import bills, orders, payments

LARGEST_RWF = 5_000_000


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


def ask(
    db: Connection,
    *,
    contact_id: int,
    order_code: str,
    amount_rwf: int,
    why: str,
    by: str,
    now: datetime,
) -> Bill:
    """Make a bill and owe it in the ledger. Raises `BillRefused`; then nothing was written."""
    _refuse(db, order_code, amount_rwf)
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
    lines = [(ledger.receivable(contact_id), amount_rwf), (ledger.REVENUE, -amount_rwf)]
    if not ledger.post(db, f"bill:{bill_id}:owed", lines, now):
        raise RuntimeError(f"the ledger holds another bill {bill_id} already")
    return Bill(bill_id, contact_id, order_code, amount_rwf, why[:80])


def by_id(db: Connection, bill_id: int, contact_id: int) -> Bill | None:
    """This person's bill; another person's is None."""
    query = _all.where(bills.c.id == bill_id, bills.c.contact_id == contact_id)
    row = db.execute(query).mappings().first()
    return None if row is None else _bill(row)


def to_pay(db: Connection, contact_id: int) -> list[Bill]:
    """What a person has still to pay, and is not paying already; the oldest first."""
    paying = exists().where(payments.c.bill_id == bills.c.id, payments.c.state != "failed")
    query = _all.where(bills.c.contact_id == contact_id, ~paying).order_by(bills.c.id)
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
    billed = select(func.sum(bills.c.amount_rwf)).where(bills.c.order_code == order_code)
    total_rwf = int(db.execute(billed).scalar() or 0) + amount_rwf
    if total_rwf > order["packs"] * order["sale_price_rwf"]:
        raise BillRefused(f"{total_rwf} is over what order {order_code} sells for")


def _bill(row: RowMapping) -> Bill:
    return Bill(row["id"], row["contact_id"], row["order_code"], row["amount_rwf"], row["why"])
