"""Orders as staff see them: who was offered what, what they said, and where the money is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select

from bot.dashboard.screens.order_list import ORDERS, OrderRow, order_row
from bot.i18n import N_
from bot.market.calling_off import version_of
from bot.market.offers import Offer
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
    received_parts,
    tickets,
)

# Of one page of an order.
OFFERS_MOST = 200
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
    # What it weighs, and what staff weighed at the collection point, by whom and when, or None.
    weight_g: int
    received: RowMapping | None
    # The codes of the open tickets about it.
    tickets: list[str]


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
    # After which offer the next page of them begins; 0 for nowhere.
    following: int


@dataclass(frozen=True, slots=True)
class _Priced:
    """What `split` needs of an order."""

    price_rwf: int
    sale_price_rwf: int
    deductions: tuple[Line, ...]


def one_order(db: Connection, code: str, after: int = 0) -> OrderPage | None:
    """The order with this code, and a page of its offers: those after this one, 0 for all."""
    query = ORDERS.add_columns(hub_orders.c.hub_order_id, hub_orders.c.state)
    row = db.execute(query.where(orders.c.code == code)).mappings().first()
    if row is None:
        return None
    found = _offers(db, row, after)
    page = found[:OFFERS_MOST]
    return OrderPage(
        row=order_row(row),
        pack_g=row["pack_g"],
        price_rwf=row["price_rwf"],
        collection_point=row["collection_point"],
        hub_order_id=row["hub_order_id"] or "",
        hub_state=row["state"] or "",
        version=version_of(db, row["id"]),
        shares=_shares(row),
        offers=page,
        following=page[-1].id if len(found) > OFFERS_MOST else 0,
    )


def _shares(row: RowMapping) -> Split | None:
    lines = tuple(Line(one["name"], one["to"], one["amount_rwf"]) for one in row["deductions"])
    try:
        return split(_Priced(row["price_rwf"], row["sale_price_rwf"], lines), row["packs"])
    except DoesNotAddUp:
        return None


def _offers(db: Connection, order: RowMapping, after: int) -> list[OfferRow]:
    """One more than a page."""
    whose = contacts.c.id == offers.c.contact_id
    last = func.max(allocations.c.round)
    why = select(last).where(allocations.c.offer_id == offers.c.id).scalar_subquery()
    query = (
        select(offers, contacts.c.names, contacts.c.msisdn, why.label("round"))
        .join(contacts, whose)
        .where(offers.c.order_id == order["id"], offers.c.id > after)
        .order_by(offers.c.id)
        .limit(OFFERS_MOST + 1)
    )
    rows = db.execute(query).mappings().all()
    ids = [row["id"] for row in rows]
    lives, paid, received = _lives(db, ids), _payments(db, ids), _received(db, ids)
    asked = _tickets(db, order["code"], {row["id"]: row["contact_id"] for row in rows})
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
            life=lives.get(row["id"], []),
            round=row["round"] or 0,
            payments=paid.get(row["id"], []),
            weight_g=row["packs_accepted"] * order["pack_g"],
            received=received.get(row["id"]),
            tickets=asked.get(row["id"], []),
        )
        for row in rows
    ]


def _lives(db: Connection, ids: Sequence[int]) -> dict[int, list[Step]]:
    query = select(offer_events).where(offer_events.c.offer_id.in_(ids))
    found: dict[int, list[Step]] = {}
    for row in db.execute(query.order_by(offer_events.c.id)).mappings():
        step = Step(
            row["from_state"],
            row["to_state"],
            row["at"],
            without_numbers(row["by"]),
            row["channel"],
            row["place"],
        )
        found.setdefault(row["offer_id"], []).append(step)
    return found


def _payments(db: Connection, ids: Sequence[int]) -> dict[int, list[RowMapping]]:
    names = ("id", "amount_rwf", "state", "reference", "offer_id")
    query = select(*(payments.c[name] for name in names)).where(payments.c.offer_id.in_(ids))
    found: dict[int, list[RowMapping]] = {}
    for row in db.execute(query.order_by(payments.c.id)).mappings():
        found.setdefault(row["offer_id"], []).append(row)
    return found


def _received(db: Connection, ids: Sequence[int]) -> dict[int, RowMapping]:
    query = select(received_parts).where(received_parts.c.offer_id.in_(ids))
    return {row["offer_id"]: row for row in db.execute(query).mappings()}


def _tickets(db: Connection, code: str, parts: Mapping[int, int]) -> dict[int, list[str]]:
    """Those of each offer's person, about the order as a whole or about their part of it.

    `parts` are persons by their offers.
    """
    named = {Offer.named_of(code, offer_id): offer_id for offer_id in parts}
    row = tickets.c
    mine = row.contact_id.in_(set(parts.values())) & (row.state != "closed")
    query = select(row.code, row.about, row.contact_id).where(mine, row.about.in_([code, *named]))
    found: dict[int, list[str]] = {}
    for ticket in db.execute(query.order_by(row.id)):
        for offer_id, contact_id in parts.items():
            if contact_id == ticket.contact_id and named.get(ticket.about, offer_id) == offer_id:
                found.setdefault(offer_id, []).append(ticket.code)
    return found
