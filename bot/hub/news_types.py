"""What the hub is told: one struct for each type of news; the published schemas come from them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

_Why = Annotated[str, Meta(description="In English, for people to read; it names nobody")]
_Moment = Annotated[datetime, Meta(tz=True)]
BookingState = Literal["requested", "accepted", "declined", "date_asked", "expired", "withdrawn"]


class OrderNews(Struct, frozen=True):
    """How a line of an order stands: figures are totals, not what was added."""

    order_id: Annotated[str, Meta(description="The hub's own id")]
    line: Annotated[int, Meta(ge=1)]
    source: Annotated[str, Meta(description="hub, or the shop that it came from")]
    code: Annotated[str, Meta(description="What farmers see on their screens")]
    product: str
    packs: Annotated[int, Meta(gt=0)]
    packs_accepted: Annotated[int, Meta(ge=0)]


class OrderAllocated(OrderNews, frozen=True):
    """One more round of offers."""

    round: Annotated[int, Meta(ge=1)]
    offers: Annotated[int, Meta(ge=1, description="How many farmers were asked in this round")]
    offered: Annotated[int, Meta(ge=1, description="How many packs they were offered")]


class PartNews(OrderNews, frozen=True):
    """What one farmer's part of a line has come to."""

    part: Annotated[str, Meta(pattern=r"^P-[0-9]+$", description="Names the part, and nobody")]
    part_packs: Annotated[int, Meta(ge=0)]


class PaymentNews(PartNews, frozen=True):
    """What the payment of one farmer's part has come to."""

    amount_rwf: Annotated[int, Meta(gt=0, description="What moved, or was to, in whole francs")]


class OrderRefused(Struct, frozen=True):
    """An event about an order that changed nothing."""

    order_id: str
    source: str
    type: Literal["order.created", "order.cancelled", "shipment.updated", "order.problem"]
    reason: _Why


class BookingNews(Struct, frozen=True):
    """How a request to visit stands."""

    booking_id: Annotated[str, Meta(description="The hub's own id")]
    state: BookingState
    experience: str
    guests: Annotated[int, Meta(gt=0)]
    starts_at: _Moment
    amount_rwf: Annotated[int, Meta(gt=0)]
    answer_by: _Moment
    proposed_at: Annotated[_Moment | None, Meta(description="When the host would rather")]


class BookingRefused(Struct, frozen=True):
    """A request that was not passed on."""

    booking_id: str
    reason: _Why


class PriceNews(Struct, frozen=True):
    """A published price."""

    product: str
    place: str
    kind: Literal["minimum", "fixed", "observed"]
    amount_rwf: Annotated[int, Meta(gt=0)]
    unit: Literal["kg", "L", "piece"]
    valid_on: date


class PriceRefused(Struct, frozen=True):
    """A published price that nobody is shown, in the words in which it came."""

    product: str
    place: str
    kind: str
    amount_rwf: int
    unit: str
    valid_on: str
    reason: _Why


class SessionNews(Struct, frozen=True):
    """A call or a chat; `session` is the same at its beginning and its end."""

    session: str
    gateway: str
    language: Annotated[str, Meta(pattern="^(rw|fr|en|)$", description="Empty until chosen")]


class SessionEnded(SessionNews, frozen=True):
    """A call or a chat that is over."""

    hops: Annotated[int, Meta(ge=0, description="How many screens there were")]


class AlertNews(Struct, frozen=True):
    """Something that staff look at."""

    rule: str
    about: str
    figure: int
    text: str
    # Staff try whether they are told: nothing is wrong.
    test: bool = False


class Ping(Struct, frozen=True):
    """Nothing has happened."""

    test: Literal[True]


# A new type is a line in NEWS_TYPES (bot/market/hub_news.py), and here with what it says.
NEWS_DATA: dict[str, type[Struct]] = {
    "order.allocated": OrderAllocated,
    "order.accepted": PartNews,
    "order.partly_accepted": PartNews,
    "order.declined": OrderNews,
    "order.expired": OrderNews,
    "order.cancelled": OrderNews,
    "order.refused": OrderRefused,
    "order.disputed": PartNews,
    "order.resumed": PartNews,
    "order.called_off": PartNews,
    "shipment.handed_over": PartNews,
    "shipment.shipped": PartNews,
    "shipment.delivered": PartNews,
    "payment.succeeded": PaymentNews,
    "payment.failed": PaymentNews,
    "payment.flagged": PaymentNews,
    "payment.confirmed": PaymentNews,
    "booking.accepted": BookingNews,
    "booking.declined": BookingNews,
    "booking.date_asked": BookingNews,
    "booking.expired": BookingNews,
    "booking.withdrawn": BookingNews,
    "booking.refused": BookingRefused,
    "price.shown": PriceNews,
    "price.refused": PriceRefused,
    "session.started": SessionNews,
    "session.ended": SessionEnded,
    "alert.raised": AlertNews,
    "alert.cleared": AlertNews,
    "test.ping": Ping,
}
