"""Orders as staff see them: who was offered what, what they said, and where the money is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, exists, func, select

from bot.dashboard.screens.asked import PAGE, like
from bot.i18n import N_
from bot.market.calling_off import version_of
from bot.market.share import DoesNotAddUp, Line, Split, split
from bot.masking import without_numbers
from bot.msisdn import masked
from bot.storage.schema import (
    allocations,
    contacts,
    hub_orders,
    offer_events,
    offers,
    orders,
    payments,
)

OFFER_WORDS = {
    "offered": N_("offered"),
    "accepted": N_("accepted"),
    "declined": N_("declined"),
    "expired": N_("expired"),
    "withdrawn": N_("withdrawn"),
    "handed_over": N_("handed over"),
    "shipped": N_("on the way"),
    "delivered": N_("arrived"),
    "paid": N_("paid"),
    "confirmed": N_("confirmed"),
    "disputed": N_("disputed"),
}

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


@dataclass(frozen=True, slots=True)
class Step:
    """One change of an offer: from what to what, when, by whom, through which channel."""

    was: str
    became: str
    at: datetime
    by: str
    channel: str
    place: str


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One person's offer, the number masked, with its life and why it was made to them."""

    id: int
    contact_id: int
    name: str
    number: str
    packs: int
    accepted: int
    state: str
    version: int
    answer_by: datetime
    life: list[Step]
    round: int
    payments: list[RowMapping]


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One order. `shares` is None when its lines do not add up, which must never be."""

    row: OrderRow
    pack_g: int
    price_rwf: int
    collection_point: str
    hub_order_id: str
    hub_state: str
    version: int
    shares: Split | None
    offers: list[OfferRow]


@dataclass(frozen=True, slots=True)
class _Priced:
    """What `split` needs of an order."""

    price_rwf: int
    sale_price_rwf: int
    deductions: tuple[Line, ...]


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
        replace(_row(row), changed_at=changed.get(row["id"]), payout=paid.get(row["id"], ""))
        for row in rows[:PAGE]
    ]
    return found, found[-1].id if len(rows) > PAGE else 0


def one_order(db: Connection, code: str) -> OrderPage | None:
    """The order with this code, with all its offers."""
    query = orders_asked({}).add_columns(hub_orders.c.hub_order_id, hub_orders.c.state)
    row = db.execute(query.where(orders.c.code == code)).mappings().first()
    if row is None:
        return None
    return OrderPage(
        row=_row(row),
        pack_g=row["pack_g"],
        price_rwf=row["price_rwf"],
        collection_point=row["collection_point"],
        hub_order_id=row["hub_order_id"] or "",
        hub_state=row["state"] or "",
        version=version_of(db, row["id"]),
        shares=_shares(row),
        offers=_offers(db, row["id"]),
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


def _row(row: RowMapping) -> OrderRow:
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


def _shares(row: RowMapping) -> Split | None:
    lines = tuple(Line(one["name"], one["to"], one["amount_rwf"]) for one in row["deductions"])
    try:
        return split(_Priced(row["price_rwf"], row["sale_price_rwf"], lines), row["packs"])
    except DoesNotAddUp:
        return None


def _offers(db: Connection, order_id: int) -> list[OfferRow]:
    whose = contacts.c.id == offers.c.contact_id
    last = func.max(allocations.c.round)
    why = select(last).where(allocations.c.offer_id == offers.c.id).scalar_subquery()
    query = (
        select(offers, contacts.c.names, contacts.c.msisdn, why.label("round"))
        .join(contacts, whose)
        .where(offers.c.order_id == order_id)
        .order_by(offers.c.id)
        .limit(200)
    )
    return [
        OfferRow(
            id=row["id"],
            contact_id=row["contact_id"],
            name=without_numbers(row["names"]),
            number=masked(row["msisdn"]) if row["msisdn"] else "",
            packs=row["packs"],
            accepted=row["packs_accepted"],
            state=row["state"],
            version=row["version"],
            answer_by=row["answer_by"],
            life=_life(db, row["id"]),
            round=row["round"] or 0,
            payments=_payments(db, row["id"]),
        )
        for row in db.execute(query).mappings().all()
    ]


def _life(db: Connection, offer_id: int) -> list[Step]:
    query = select(offer_events).where(offer_events.c.offer_id == offer_id)
    return [
        Step(
            row["from_state"],
            row["to_state"],
            row["at"],
            without_numbers(row["by"]),
            row["channel"],
            row["place"],
        )
        for row in db.execute(query.order_by(offer_events.c.id)).mappings()
    ]


def _payments(db: Connection, offer_id: int) -> list[RowMapping]:
    wanted = (payments.c.id, payments.c.amount_rwf, payments.c.state, payments.c.reference)
    query = select(*wanted).where(payments.c.offer_id == offer_id).order_by(payments.c.id)
    return list(db.execute(query).mappings())
