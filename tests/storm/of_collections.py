"""What must hold of bills, what was collected, and what was given back, after any storm or kill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from bot.storage.schema import payments
from tests.storm.seen import Seen


def told_is_asked(db: Connection, seen: Seen) -> Iterable[str]:
    """I1: each yes that was told to be taken is a collection."""
    asked = set(
        db.execute(select(payments.c.order_code).where(payments.c.bill_id.is_not(None))).scalars()
    )
    yield from (f"{one} was told to be paid and is not" for one in seen.told_of_payment - asked)


def collected_once(db: Connection, seen: Seen) -> Iterable[str]:
    """I4: no bill is collected twice, nothing given back twice, and nothing above what was got."""
    of_bill = dict(
        db.execute(
            select(payments.c.reference, payments.c.bill_id).where(payments.c.bill_id.is_not(None))
        )
        .tuples()
        .all()
    )
    got = {
        one.reference: one.amount_rwf
        for one in seen.taken
        if one.kind == "collection" and one.end == "paid"
    }
    bills = Counter(of_bill.get(reference) for reference in got)
    yield from (
        f"bill {one} was collected {count} times" for one, count in bills.items() if count > 1
    )
    back = Counter[str]()
    for reference, amount_rwf in seen.given_back:
        back[reference] += amount_rwf
    for reference, amount_rwf in back.items():
        if amount_rwf > got.get(reference, 0):
            yield f"{amount_rwf} given back of {reference}, {got.get(reference, 0)} collected"
    yield from _alive_twice(db)


def _alive_twice(db: Connection) -> Iterable[str]:
    for column, name in ((payments.c.bill_id, "bill"), (payments.c.refunds_id, "refund of")):
        alive = select(column).where(column.is_not(None), payments.c.state != "failed")
        for one in db.execute(alive.group_by(column).having(func.count() > 1)).scalars():
            yield f"{name} {one} has several payments"


def given_back_is_wanted(db: Connection, seen: Seen) -> Iterable[str]:
    """I7: whatever an operator gave back is a refund of ours, settled, or flagged for staff."""
    ours = payments.alias()
    query = select(payments.c.reference, ours.c.state).join(
        ours, ours.c.refunds_id == payments.c.id
    )
    states = dict(db.execute(query).tuples().all())
    for reference, _amount_rwf in seen.given_back:
        if states.get(reference) not in ("succeeded", "flagged"):
            yield f"{reference} was given back, ours says {states.get(reference)}"
