"""Applies one event of the hub: what it does, in the transaction that ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.hub.event_types import (
    SOURCE,
    BookingRequested,
    OrderCancelled,
    OrderCreated,
    OrderProblem,
    PricePublished,
    ShipmentUpdated,
    lane_of,
    read_event,
    said_at_of,
    source_of,
)
from bot.hub.publishing import publish
from bot.hub.refusing import tell_refused
from bot.hub.shop import UNREAD
from bot.market import (
    Actor,
    Market,
    allocation,
    bookings,
    hub_news,
    hub_orders,
    offers,
    people,
    shipments,
    shipping,
)
from bot.market.allocation import AllocationRules
from bot.market.bookings import Booking, NewBooking
from bot.market.rates import NoRate
from bot.market.share import Line
from bot.market.wanted import Refused, Wanted, WantedLine
from bot.storage import hub_inbox
from bot.storage.hub_inbox import Kept

_VISIT_ANSWER_IN = timedelta(days=2)
# A stage, from which states of an offer it moves it on, and by which move.
_MOVES = {"shipped": ("handed_over", "ship"), "delivered": ("shipped", "deliver")}


class _Cancelled(Refused):
    """It was cancelled before it came: no rate and no item of ours mends that."""


class Applying:
    """What each type of event does. Everything is in one transaction with the event's end."""

    def __init__(self, market: Market, rules: AllocationRules) -> None:
        self._market, self._rules = market, rules
        self._does: dict[type, Callable[[Connection, Kept, Any, datetime], str]] = {
            OrderCreated: self._order,
            OrderCancelled: self._cancel,
            PricePublished: self._price,
            ShipmentUpdated: self._shipment,
            OrderProblem: self._problem,
            BookingRequested: self._booking,
        }

    def apply(self, db: Connection, event: Kept, now: datetime) -> tuple[str, str]:
        """How it ends, `applied`, `refused` or `parked`, and what came of it.

        A refusal is known before anything is written, so that it leaves nothing behind. A shop's
        order is parked instead: it is paid, the shop hears of no refusal and sends it only once.
        """
        if event.type == UNREAD:
            return "refused", "nobody can read it here: see to it in the shop"
        _type, said = read_event(event.body)
        if said is None:
            return "ignored", "nobody knows this type"
        try:
            return "applied", self._does[type(said)](db, event, said, now)
        except (Refused, NoRate) as why:
            of_shop = event.source != SOURCE and isinstance(said, OrderCreated)
            if of_shop and not isinstance(why, _Cancelled):
                return "parked", str(why)
            tell_refused(db, event, said, str(why), now)
            return "refused", str(why)

    def _order(self, db: Connection, event: Kept, said: OrderCreated, now: datetime) -> str:
        lane = lane_of(said, event.source)
        again = False
        if hub_inbox.was_said(db, lane, "order.cancelled"):
            again = _stands_again(db, event, lane)
            if not again:
                raise _Cancelled("it was cancelled before it came")
        hub, quiet = self._market.hub, self._market.quiet
        wanted = wanted_of(event.source, said)
        ids = hub_orders.take(db, wanted, now, hub.timezone, self._rules.part_most_rwf)
        if again and not ids:
            ids = hub_orders.reopen(db, event.source, said.order_id, now)
        # At once, and in the order in which the orders came; what is much goes on in its turn.
        left = allocation.OFFERS_AT_ONCE
        for order_id in ids:
            if left > 0:
                left -= allocation.look_at(db, order_id, hub, self._rules, now, quiet, left)
            else:
                hub_news.review(db, order_id, now)
        return f"orders {', '.join(map(str, ids))}" if ids else "it was taken before"

    def _cancel(self, db: Connection, event: Kept, said: OrderCancelled, now: datetime) -> str:
        if _stood_later(db, event, lane_of(said, event.source)):
            raise Refused("the shop has said since then that it stands")
        done = hub_orders.cancel(db, event.source, said.order_id, f"hub-event:{event.id}", now)
        if done is None:
            raise Refused("there is no such order")
        return f"withdrawn {done[0]}, accepted before {done[1]}"

    def _price(self, db: Connection, event: Kept, said: PricePublished, now: datetime) -> str:
        return publish(db, said, self._market.hub.id, event.source, now)

    def _shipment(self, db: Connection, event: Kept, said: ShipmentUpdated, now: datetime) -> str:
        before, trigger = _MOVES.get(said.stage, ("handed_over", ""))
        of = source_of(said, event.source), said.order_id, said.line, said.parts
        meant = shipping.meant(db, *of, before)
        if not meant.moving and not meant.unnoted:
            raise Refused(f"nothing of this order is {before.replace('_', ' ')} now")
        actor = Actor("hub", "hub", f"hub-event:{event.id}")
        for part in meant.moving:
            if trigger:
                offers.move(db, actor, part.offer_id, trigger, now)
            else:
                shipments.note_stop(db, actor, part.offer_id, said.stage, now)
        for part in meant.unnoted:
            shipping.ask_if_received(db, part, said.stage, now)
        unnoted = f", {len(meant.unnoted)} not received here" if meant.unnoted else ""
        return f"{len(meant.moving)} parts: {said.stage}{unnoted}"

    def _problem(self, db: Connection, event: Kept, said: OrderProblem, now: datetime) -> str:
        of = source_of(said, event.source), said.order_id, said.line, said.parts
        count = shipping.report(db, *of, said.reason, now)
        if not count:
            raise Refused("nothing of this order is handed over and not paid")
        return f"{count} parts are looked at"

    def _booking(self, db: Connection, event: Kept, said: BookingRequested, now: datetime) -> str:
        host = people.by_msisdn(db, said.host)
        if host is None or host.role != "host":
            raise Refused("no host is registered with this number")
        answer_by = said.answer_by or min(now + _VISIT_ANSWER_IN, said.starts_at)
        known = bookings.by_code(db, said.booking_id)
        if known is not None:
            if _is_same(known, said, host.id):
                return "it was asked before"
            raise Refused("another booking has this id already")
        if answer_by <= now or said.starts_at <= now:
            raise Refused("it is over already")
        new = NewBooking(
            said.booking_id,
            said.experience,
            said.guests,
            said.starts_at,
            said.amount_rwf,
            answer_by,
        )
        hub = self._market.hub
        bookings.request(db, host.id, new, hub.service_code, hub.timezone, now, self._market.quiet)
        return "asked"


def _stands_again(db: Connection, event: Kept, lane: str) -> bool:
    """Whether a shop says of an order, after its cancellation, that it stands: it was paid late.

    By the moments in its signed words, so that an old message that is sent again, or comes late,
    changes nothing.
    """
    if event.source == SOURCE:
        return False
    said_at = said_at_of(event.body)
    gone_at = hub_inbox.last_said(db, lane, "order.cancelled", or_came=True)
    return said_at is not None and gone_at is not None and said_at > gone_at


def _stood_later(db: Connection, event: Kept, lane: str) -> bool:
    """Whether a shop's cancellation is older than its last word of the order: that it stands."""
    if event.source == SOURCE:
        return False
    said_at, stood_at = said_at_of(event.body), hub_inbox.last_said(db, lane, "order.created")
    return said_at is not None and stood_at is not None and said_at < stood_at


def _is_same(known: Booking, said: BookingRequested, host_id: int) -> bool:
    """Whether the hub asks again what it has asked before; when to answer may be ours."""
    asked = (known.contact_id, known.experience, known.guests, known.starts_at, known.amount_rwf)
    return asked == (host_id, said.experience, said.guests, said.starts_at, said.amount_rwf)


def wanted_of(source: str, said: OrderCreated) -> Wanted:
    """An order in the market's own words."""
    lines = tuple(
        WantedLine(
            line.qty,
            line.unit_price,
            line.sku,
            line.product,
            line.grade,
            line.pack_g,
            tuple(Line(cut.name, cut.to, cut.amount_rwf) for cut in line.deductions),
        )
        for line in said.lines
    )
    return Wanted(
        source,
        said.order_id,
        said.currency,
        lines,
        said.total,
        said.answer_by,
        said.deliver_by,
        said.district,
        said.collection_point,
    )
