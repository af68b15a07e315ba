"""What the hub may say: one struct for each type of event; the published schemas come from them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from bot.storage import hub_inbox

# What the hub's own events are said to come from.
SOURCE = "hub"
_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:#/-]{1,64}$", description="The hub's own id")]
_Count = Annotated[int, Meta(gt=0, le=100_000)]
# Two decimals at most, so that every price is a whole number of cents.
_Price = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$", description="As 12.50")]
_Short = Annotated[str, Meta(max_length=40)]
_Place = Annotated[str, Meta(max_length=60)]
_Part = Annotated[str, Meta(pattern=r"^P-[0-9]{1,18}$", description="As `part` in our news")]
_Parts = Annotated[tuple[_Part, ...], Meta(max_length=200)]
_Source = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9_-]{0,24}$", description="As in our news; empty is the hub itself"),
]
_Moment = Annotated[datetime, Meta(tz=True, description="With its zone, as 2026-12-05T14:00:00Z")]


class Deduction(Struct, frozen=True):
    """What of the price of a pack goes to somebody else, in whole francs."""

    name: Annotated[str, Meta(min_length=1, max_length=24)]
    to: Annotated[str, Meta(min_length=1, max_length=24)]
    amount_rwf: Annotated[int, Meta(ge=0, le=5_000_000)]


class OrderLine(Struct, frozen=True):
    """So many packs: of an item that the hub knows by its `sku`, or of a product said in full."""

    qty: _Count
    unit_price: _Price
    sku: _Short = ""
    product: _Short = ""
    grade: Annotated[str, Meta(max_length=8)] = ""
    pack_g: Annotated[int, Meta(ge=0, le=100_000)] = 0
    deductions: tuple[Deduction, ...] = ()


class OrderCreated(Struct, frozen=True):
    """Somebody bought. No buyer is named: what else the hub says of them is not read."""

    order_id: _Id
    currency: Literal["RWF", "USD", "CNY"]
    lines: Annotated[tuple[OrderLine, ...], Meta(min_length=1, max_length=20)]
    total: _Price | None = None
    answer_by: _Moment | None = None
    deliver_by: _Moment | None = None
    district: _Short = ""
    collection_point: _Place = ""


class OrderCancelled(Struct, frozen=True):
    """The buyer wants it no more: what nobody has accepted yet is withdrawn."""

    order_id: _Id
    reason: Annotated[str, Meta(max_length=80)] = ""


class PricePublished(Struct, frozen=True):
    """A price that the hub publishes; it is shown once staff have approved it."""

    product: Annotated[str, Meta(min_length=1, max_length=24)]
    kind: Literal["minimum", "fixed", "observed"]
    amount_rwf: Annotated[int, Meta(gt=0, le=5_000_000)]
    unit: Literal["kg", "L", "piece"]
    valid_on: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    place: _Place = ""
    district: _Short = ""
    source: Annotated[str, Meta(max_length=80)] = ""


class ShipmentUpdated(Struct, frozen=True):
    """Where the goods of an order are by now."""

    order_id: _Id
    stage: Literal["warehouse", "shipped", "delivered"]
    line: Annotated[int, Meta(ge=1, le=20)] | None = None
    # Which parts it is about; of several that were handed over, else those that staff received.
    parts: _Parts = ()
    # Whose order it is, where a shop sent it: shops say nothing of goods.
    source: _Source = ""


class OrderProblem(Struct, frozen=True):
    """The buyer or the hub reports a problem with goods that were handed over: staff look at it."""

    order_id: _Id
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    line: Annotated[int, Meta(ge=1, le=20)] | None = None
    parts: _Parts = ()
    source: _Source = ""


class BookingRequested(Struct, frozen=True):
    """Guests want to visit a host, whose number the hub knows. No guest is named."""

    booking_id: Annotated[str, Meta(pattern=r"^[A-Z0-9-]{3,12}$")]
    host: Annotated[str, Meta(max_length=16, description="The host's number, as +250788000006")]
    experience: Annotated[str, Meta(min_length=1, max_length=24)]
    guests: Annotated[int, Meta(gt=0, le=50)]
    starts_at: _Moment
    amount_rwf: Annotated[int, Meta(gt=0, le=5_000_000)]
    answer_by: _Moment | None = None


# A new type is a struct above and a line here, and what it does in bot/hub/applying.py.
EVENT_TYPES: dict[str, type[Struct]] = {
    "order.created": OrderCreated,
    "order.cancelled": OrderCancelled,
    "price.published": PricePublished,
    "shipment.updated": ShipmentUpdated,
    "order.problem": OrderProblem,
    "booking.requested": BookingRequested,
}


class Envelope(Struct, frozen=True):
    """What every event is wrapped in."""

    type: Annotated[str, Meta(pattern=r"^[a-z_]+(\.[a-z_]+)+$", max_length=40)]
    timestamp: str
    data: msgspec.Raw


class Unusable(Exception):
    """It is no event of ours; the message says what is wrong with it, and where."""


_envelope = msgspec.json.Decoder(Envelope)
_decoders: dict[str, Any] = {name: msgspec.json.Decoder(kind) for name, kind in EVENT_TYPES.items()}


def read_event(body: bytes) -> tuple[str, Struct | None]:
    """The type of an event and what it says; None for a type that nobody here knows.

    Raises `Unusable`.
    """
    try:
        envelope = _envelope.decode(body)
        decoder = _decoders.get(envelope.type)
        return envelope.type, None if decoder is None else decoder.decode(envelope.data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(str(error)) from error


def compared_at(source: str, body: bytes) -> datetime | None:
    """The moment by which what this says is compared with what comes later: a shop's only."""
    return None if source == SOURCE else said_at_of(body)


def said_at_of(body: bytes) -> datetime | None:
    """The moment that an event itself names; without a zone it is that of UTC. None for none."""
    try:
        moment = datetime.fromisoformat(_envelope.decode(body).timestamp)
    except (ValueError, msgspec.MsgspecError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def source_of(event: Struct | None, sender: str) -> str:
    """Whose order an event of `sender` is about: the hub may speak of the goods of a shop's."""
    if isinstance(event, ShipmentUpdated | OrderProblem):
        return event.source or sender
    return sender


def lane_of(event: Struct | None, sender: str) -> str:
    """What must stay in order: everything about one order of one source."""
    about = getattr(event, "order_id", "") or getattr(event, "booking_id", "")
    return hub_inbox.lane(source_of(event, sender), about)
