"""What is taken of a price is changed by two: one says what, another approves; then it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, insert, select, update

from bot.market import price_fees
from bot.market.price_fees import Fee, Fees
from bot.market.staff_names import look_alike
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import audit
from bot.storage.schema import fee_changes as rows

Outcome = Literal["approved", "withdrawn", "gone", "same_person", "no_name", "taken"]


@dataclass(frozen=True, slots=True)
class FeeChange:
    """Fees that wait for a second person, and who asked for them."""

    id: int
    hub: str
    fees: Fees
    asked_by: str
    asked_at: datetime


def ask(db: Connection, hub: str, new: Fees, by: str, now: datetime) -> int:
    """Keep what one member of staff wants published: its number.

    0 when that day has its fees, or some wait for it. Raises ValueError for fees that are none.
    """
    name = by.strip()[:40]
    if not name:
        raise ValueError("--by must be the name of a member of staff")
    price_fees.check(new)
    one_at_a_time(db, f"fees of {new.product}")
    if price_fees.are_there(db, hub, new) or _waits(db, hub, new.product, new.valid_from):
        return 0
    values = {"hub": hub, "product": new.product, "valid_from": new.valid_from}
    values |= {"source": new.source[:80], "fees": price_fees.as_rows(new.fees)}
    key = db.execute(insert(rows).values(values | {"asked_by": name, "asked_at": now}))
    _note(db, name, "fees proposed", new, now)
    return int((key.inserted_primary_key or (0,))[0])


def waiting(db: Connection, hub: str) -> list[FeeChange]:
    """What waits for a second person, the oldest first."""
    query = select(rows).where(rows.c.hub == hub, rows.c.ended_at.is_(None)).order_by(rows.c.id)
    return [_change(row) for row in db.execute(query).mappings()]


def approve(db: Connection, hub: str, number: int, by: str, now: datetime) -> Outcome:
    """Publish it, as another than who asked."""
    name, change = by.strip()[:40], _held(db, hub, number)
    if not name:
        return "no_name"
    if change is None:
        return "gone"
    if look_alike(name, change.asked_by):
        return "same_person"
    if not price_fees.publish(db, hub, change.fees, change.asked_by, now, second=name):
        return "taken"
    _end(db, number, "approved", name, now)
    return "approved"


def withdraw(db: Connection, hub: str, number: int, by: str, now: datetime) -> Outcome:
    """It is not wanted any more; anybody of the staff may say so."""
    name, change = by.strip()[:40], _held(db, hub, number)
    if not name:
        return "no_name"
    if change is None:
        return "gone"
    _end(db, number, "withdrawn", name, now)
    _note(db, name, "fees withdrawn", change.fees, now)
    return "withdrawn"


def _waits(db: Connection, hub: str, product: str, day: date) -> bool:
    same = (rows.c.hub == hub) & (rows.c.product == product) & (rows.c.valid_from == day)
    return db.execute(select(rows.c.id).where(same, rows.c.ended_at.is_(None))).first() is not None


def _held(db: Connection, hub: str, number: int) -> FeeChange | None:
    """The one with this number if it waits, held until this transaction ends."""
    mine = (rows.c.id == number) & (rows.c.hub == hub) & rows.c.ended_at.is_(None)
    row = db.execute(select(rows).where(mine).with_for_update()).mappings().first()
    return None if row is None else _change(row)


def _end(db: Connection, number: int, outcome: str, by: str, now: datetime) -> None:
    values = {"outcome": outcome, "ended_by": by, "ended_at": now}
    db.execute(update(rows).where(rows.c.id == number).values(values))


def _note(db: Connection, by: str, action: str, new: Fees, now: datetime) -> None:
    subject = f"fees of {new.product} from {new.valid_from}"
    details = {"fees": price_fees.as_rows(new.fees), "source": new.source[:80]}
    line = {"at": now, "actor": by, "action": action, "subject": subject, "details": details}
    db.execute(insert(audit), line)


def _change(row: RowMapping) -> FeeChange:
    taken: Sequence[dict[str, Any]] = row["fees"]
    fees = Fees(
        row["product"], row["valid_from"], row["source"], tuple(Fee(**one) for one in taken)
    )
    return FeeChange(row["id"], row["hub"], fees, row["asked_by"], row["asked_at"])
