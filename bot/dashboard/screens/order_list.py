"""The list of orders: narrowed, with how long nothing changed and where the payout is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, func, select

from bot.dashboard.screens.asked import like
from bot.dashboard.screens.by_lots import Found, page_of
from bot.storage.records import Records
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


_WAITING = (offers.c.order_id == orders.c.id) & (offers.c.state == "offered")
ORDERS = select(
    orders,
    select(func.count()).where(_WAITING).scalar_subquery().label("offered"),
    hub_orders.c.source,
).outerjoin(hub_orders, hub_orders.c.order_id == orders.c.id)


def orders_where(filters: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Which orders: by `q` (of the code), `product`, and `state` of an offer."""
    which: list[ColumnElement[bool]] = []
    if filters.get("q"):
        which.append(func.upper(orders.c.code).like(like(filters["q"].upper()), escape="\\"))
    if filters.get("product"):
        which.append(orders.c.product == filters["product"])
    if filters.get("state"):
        has = (offers.c.order_id == orders.c.id) & (offers.c.state == filters["state"])
        which.append(exists().where(has))
    return which


async def orders_page(
    records: Records, filters: Mapping[str, str], before: int
) -> tuple[list[OrderRow], Found]:
    """A page of orders, the newest first; and how far it went."""
    wanted = filters.get("q", "").upper()
    exact = orders.c.code == wanted if wanted else None
    which = orders_where(filters)
    found = await page_of(records, ORDERS, orders.c.id, which, before, exact)
    return await records.read(lambda db: _with_payouts(db, found.rows)), found


def _with_payouts(db: Connection, rows: Sequence[RowMapping]) -> list[OrderRow]:
    changed, paid = _last_changes(db, rows), _payouts(db, rows)
    return [
        replace(order_row(row), changed_at=changed.get(row["id"]), payout=paid.get(row["id"], ""))
        for row in rows
    ]


def order_row(row: RowMapping) -> OrderRow:
    """A row of `ORDERS` as a value."""
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
