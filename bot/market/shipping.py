"""Which parts of an order the hub means by its word: a farmer's own word moves no money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bot.i18n.ticket_sentences import TicketSentence
from bot.market.brought import was_brought
from bot.market.offers import Offer
from bot.market.part_tickets import ask_staff, pass_to_staff
from bot.market.wanted import Refused
from bot.storage.schema import hub_orders, offers, orders, received_parts

# A part whose farmer has said that they brought it, or staff that it came.
_BROUGHT = ("handed_over", "shipped", "delivered", "paid", "confirmed", "disputed")
_NOT_PAID = ("handed_over", "shipped", "delivered", "disputed")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an order, as far as the hub's word goes."""

    offer_id: int
    contact_id: int
    named: str
    state: str
    received: bool


@dataclass(frozen=True, slots=True)
class Meant:
    """The parts that the hub's word moves on, and those of which nobody knows that they came."""

    moving: list[Part]
    unnoted: list[Part]


def meant(
    db: Connection,
    source: str,
    hub_order_id: str,
    line: int | None,
    named: Sequence[str],
    before: str,
) -> Meant:
    """Of the order's parts that stand in `before`, those that the hub means. Raises `Refused`.

    The parts that it has `named`; else the only one that was brought; else those that staff noted
    as received. What is on its way already came once, so no note is asked for it.
    """
    brought = _parts(db, source, hub_order_id, line)
    waiting = [part for part in brought if part.state == before]
    if named:
        chosen = _chosen(brought, named)
        return Meant([part for part in waiting if part in chosen], [])
    if len(brought) == 1 or before != "handed_over":
        return Meant(waiting, [])
    received = [part for part in waiting if part.received]
    return Meant(received, [part for part in waiting if not part.received])


def report(
    db: Connection,
    source: str,
    hub_order_id: str,
    line: int | None,
    named: Sequence[str],
    reason: str,
    now: datetime,
) -> int:
    """A ticket for each part that the hub reports a problem with; how many. Raises `Refused`.

    What else it reports of the same part is another ticket: its words are kept nowhere else.
    """
    brought = _parts(db, source, hub_order_id, line)
    chosen = _chosen(brought, named) if named else brought
    found = [part for part in chosen if part.state in _NOT_PAID]
    for part in found:
        text = TicketSentence.PROBLEM.format(reason=reason)
        pass_to_staff(db, "order", part.named, part.contact_id, text, now)
    return len(found)


def ask_if_received(db: Connection, part: Part, stage: str, now: datetime) -> None:
    """One open ticket for a part of which the hub says more than anybody here knows."""
    text = TicketSentence.NOT_RECEIVED.format(stage=stage)
    ask_staff(db, "shipment", part.named, part.contact_id, text, now)


def _chosen(brought: Sequence[Part], named: Sequence[str]) -> list[Part]:
    by_name = {f"P-{part.offer_id}": part for part in brought}
    strange = [name for name in named if name not in by_name]
    if strange:
        raise Refused(f"{strange[0]} is no part of this order that was handed over")
    return [by_name[name] for name in named]


def _parts(db: Connection, source: str, hub_order_id: str, line: int | None) -> list[Part]:
    query = (
        select(offers.c.id, offers.c.contact_id, orders.c.code, offers.c.state,
               received_parts.c.offer_id.label("received"))
        .join(hub_orders, hub_orders.c.order_id == offers.c.order_id)
        .join(orders, orders.c.id == offers.c.order_id)
        .outerjoin(received_parts, received_parts.c.offer_id == offers.c.id)
        .where(hub_orders.c.source == source, hub_orders.c.hub_order_id == hub_order_id)
        .where(offers.c.state.in_(_BROUGHT), (offers.c.state != "disputed") | was_brought())
        .order_by(offers.c.id)
    )  # fmt: skip
    if line is not None:
        query = query.where(hub_orders.c.line == line)
    # Held, so that none is disputed between the look and the move.
    held = query.with_for_update(of=offers)
    return [
        Part(
            row.id, row.contact_id, Offer.named_of(row.code, row.id), row.state, bool(row.received)
        )
        for row in db.execute(held).all()
    ]
