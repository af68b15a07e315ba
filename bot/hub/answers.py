"""What the hub door answers: one struct for each answer; the published schemas come from them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

_Moment = Annotated[datetime, Meta(tz=True)]
_Positive = Annotated[int, Meta(gt=0)]
_Count = Annotated[int, Meta(ge=0)]


class EventKept(Struct, frozen=True):
    """An event that is kept; `known` when it was before, `ignored` when nobody knows its type."""

    id: str
    kept: bool
    known: bool
    ignored: bool


class Problem(Struct, frozen=True):
    """What is wrong, for people to read."""

    error: str


class LineStanding(Struct, frozen=True):
    """Where one line of an order stands. Prices are in francs, of one pack."""

    line: _Positive
    code: Annotated[str, Meta(description="What farmers see on their screens")]
    state: Literal["open", "filled", "declined", "expired", "cancelled"]
    packs: _Positive
    packs_accepted: _Count
    offers_open: _Count
    answer_by: _Moment
    price_rwf: Annotated[int, Meta(gt=0, description="What the farmer gets")]
    sale_price_rwf: Annotated[int, Meta(gt=0, description="What the buyer pays")]


class OrderStanding(Struct, frozen=True):
    """Where an order stands."""

    order_id: str
    lines: Annotated[tuple[LineStanding, ...], Meta(min_length=1)]


class Offered(Struct, frozen=True):
    """Something that somebody offers. Nobody is named, and no place but the district."""

    id: _Positive
    product: str
    name: Annotated[str, Meta(description="The product in English")]
    grade: Annotated[str, Meta(description="Empty where nobody has said")]
    units: Annotated[int, Meta(gt=0, description="Some of it may be promised to orders already")]
    unit: Literal["kg", "L", "piece"]
    price_rwf: Annotated[int, Meta(gt=0, description="What is asked for one unit, in francs")]
    district: str
    harvested_on: date
    photos: Annotated[
        tuple[str, ...], Meta(description="Paths to GET, each signed as this one; staff saw them")
    ]


class Stock(Struct, frozen=True):
    """A page of what is offered; `next` is the path of the one after it, null on the last."""

    stock: tuple[Offered, ...]
    next: str | None


def answered(answer: Struct, status: int = 200) -> web.Response:
    """One of these, as it goes out."""
    return web.json_response(msgspec.to_builtins(answer), status=status)


def problem(status: int, why: str) -> web.Response:
    """An answer that says what is wrong."""
    return answered(Problem(why), status)
