"""What must hold of payments and the books after any storm, kill or crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from bot.market import books
from bot.storage.schema import ledger_lines, payments, tickets
from tests.storm.seen import Seen, Taken

OVER = ("succeeded", "failed", "flagged")


def sent_once(db: Connection, seen: Seen) -> Iterable[str]:
    """I4: each payment sent once for its reference, and one payout settled for each order."""
    times = Counter(one.reference for one in seen.taken)
    yield from (f"{one} was taken {count} times" for one, count in times.items() if count > 1)
    ours = set(db.execute(select(payments.c.reference)).scalars())
    yield from (f"{one} is none of our payments" for one in times if one not in ours)
    live = payments.c.offer_id.is_not(None) & (payments.c.state != "failed")
    several = select(payments.c.offer_id).where(live).group_by(payments.c.offer_id)
    for offer_id in db.execute(several.having(func.count() > 1)).scalars():
        yield f"offer {offer_id} is paid more than once"
    by_row = payments.c.offer_id.is_(None) & payments.c.refunds_id.is_(None)
    codes = select(payments.c.order_code).where(by_row, payments.c.direction == "payout")
    for code in db.execute(
        codes.group_by(payments.c.order_code).having(func.count() > 1)
    ).scalars():
        yield f"{code} is paid more than once"


def over_in_time(db: Connection, _seen: Seen) -> Iterable[str]:
    """I5: every payment is settled, failed or flagged, and what is flagged has its ticket."""
    query = select(payments.c.order_code, payments.c.state).where(payments.c.state.not_in(OVER))
    yield from (f"{row[0]} is still {row[1]}" for row in db.execute(query))
    about = set(
        db.execute(select(tickets.c.about).where(tickets.c.category == "payment_flagged")).scalars()
    )
    flagged = select(payments).where(payments.c.state == "flagged")
    for row in db.execute(flagged):
        if f"{row.order_code} {row.proof_code}" not in about:
            yield f"{row.order_code} is flagged and nobody was told"


def books_are_right(db: Connection, _seen: Seen) -> Iterable[str]:
    """I6: every entry sums to zero, so do all, and the balances are what the payments say."""
    yield from (fault.what for fault in books.check(db).faults)
    total = db.execute(select(func.sum(ledger_lines.c.amount_rwf))).scalar()
    if total:
        yield f"all lines sum to {total}"


def same_as_operators(db: Connection, seen: Seen) -> Iterable[str]:
    """I7: the operators' books are ours; each difference is flagged."""
    ours = {row.reference: row for row in db.execute(select(payments))}
    taken = {one.reference: one for one in seen.taken}
    wanted = {"paid": "succeeded", "refused": "failed"}
    for reference, one in taken.items():
        if reference not in ours:
            continue
        paid_otherwise = one.end == "paid" and reference in seen.altered
        state = "flagged" if paid_otherwise else wanted.get(one.end, one.end)
        if ours[reference].state != state or ours[reference].amount_rwf != one.amount_rwf:
            yield f"{ours[reference].order_code} is {ours[reference].state}, there {one.end}"
    for reference, row in ours.items():
        if row.state == "succeeded" and reference not in taken:
            yield f"{row.order_code} is settled and no operator knows it"
    left = sum(_left_rwf(one, one.reference in seen.altered) for one in seen.taken)
    floated = select(func.coalesce(func.sum(ledger_lines.c.amount_rwf), 0))
    gone = -int(db.execute(floated.where(ledger_lines.c.account == "hub_float")).scalar_one())
    if gone != left:
        yield f"{gone} left our books, {left} theirs"


def _left_rwf(one: Taken, altered: bool) -> int:
    """What went from the hub to the operator's people, as the operator tells it."""
    if one.end != "paid":
        return 0
    told_rwf = one.amount_rwf + 1_000 * altered
    return -told_rwf if one.kind == "collection" else told_rwf
