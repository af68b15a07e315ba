"""The list of orders: narrowed, with how long nothing changed and where the payout is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, exists, func, select

from bot.dashboard.screens.asked import PAGE, like
from bot.storage.schema import hub_orders, offer_events, offers, orders, payments

# What needs a person most comes first.
_URGENT = ("flagged", "unknown", "failed", "created", "sent", "succeeded")


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order in the list; `offered` is how many have not answered yet.

    `changed_at` is when the last of its offers changed; `payout` is the state of the payout that
    needs a person most, "" while there is none. Both are of the list only.
    """

    id: int
    code: str
    product: str
    packs: int
    accepted: int
    offered: int
    placed_at: datetime
    deliver_by: datetime
    source: str
    changed_at: datetime | None = None
    payout: str = ""


def orders_asked(filters: Mapping[str, str]) -> Select[Any]:
    """The orders of these filters: `q` (of the code), `product`, and `state` of an offer."""
    waiting = (offers.c.order_id == orders.c.id) & (offers.c.state == "offered")
    open_ones = select(func.count()).where(waiting).scalar_subquery()
    query = select(orders, open_ones.label("offered"), hub_orders.c.source).outerjoin(
        hub_orders, hub_orders.c.order_id == orders.c.id
    )
    if filters.get("q"):
        query = query.where(func.upper(orders.c.code).like(like(filters["q"].upper()), escape="\\"))
    if filters.get("product"):
        query = query.where(orders.c.product == filters["product"])
    if filters.get("state"):
        has = (offers.c.order_id == orders.c.id) & (offers.c.state == filters["state"])
        query = query.where(exists().where(has))
    return query


def orders_page(
    db: Connection, filters: Mapping[str, str], before: int
) -> tuple[list[OrderRow], int]:
    """A page of orders, the newest first; and where the next begins, 0 for nowhere."""
    query = orders_asked(filters)
    if before:
        query = query.where(orders.c.id < before)
    rows = db.execute(query.order_by(orders.c.id.desc()).limit(PAGE + 1)).mappings().all()
    changed, paid = _last_changes(db, rows[:PAGE]), _payouts(db, rows[:PAGE])
    found = [
        replace(order_row(row), changed_at=changed.get(row["id"]), payout=paid.get(row["id"], ""))
        for row in rows[:PAGE]
    ]
    return found, found[-1].id if len(rows) > PAGE else 0


def order_row(row: RowMapping) -> OrderRow:
    """A row of `orders_asked` as a value."""
    return OrderRow(
        row["id"],
        row["code"],
        row["product"],
        row["packs"],
        row["packs_accepted"],
        row["offered"],
        row["placed_at"],
        row["deliver_by"],
        row["source"] or "",
    )


def _last_changes(db: Connection, rows: Sequence[RowMapping]) -> dict[int, datetime]:
    query = (
        select(offers.c.order_id, func.max(offer_events.c.at))
        .join(offer_events, offer_events.c.offer_id == offers.c.id)
        .where(offers.c.order_id.in_([row["id"] for row in rows]))
        .group_by(offers.c.order_id)
    )
    return {row[0]: row[1] for row in db.execute(query)}


def _payouts(db: Connection, rows: Sequence[RowMapping]) -> dict[int, str]:
    """Of each order's payouts the state that stands first in `_URGENT`."""
    query = (
        select(offers.c.order_id, payments.c.state)
        .join(payments, payments.c.offer_id == offers.c.id)
        .where(payments.c.direction == "payout", payments.c.refunds_id.is_(None))
        .where(offers.c.order_id.in_([row["id"] for row in rows]))
        .distinct()
    )
    found: dict[int, list[str]] = {}
    for order_id, state in db.execute(query):
        found.setdefault(order_id, []).append(state)
    return {order_id: min(states, key=_URGENT.index) for order_id, states in found.items()}
