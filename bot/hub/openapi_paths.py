"""The routes of the hub door, as the published description names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SIGNED = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": words,
    }
    for name, words in (
        ("webhook-id", "The same at every retry"),
        ("webhook-timestamp", "Seconds since 1970, at most 5 minutes off"),
        ("webhook-signature", "v1,base64 of HMAC-SHA256 over id.timestamp.body"),
    )
]
_OF_EVENTS = {
    "401": "no valid signature",
    "408": "the body took too long",
    "409": "another event came under this id before",
    "413": "larger than 24 KiB",
    "422": "not one of the events below",
    "503": "not kept: send it again",
}
_ORDER_QUERY = "source", "The shop that sent it; else the hub itself", {"type": "string"}
_STOCK_QUERY = (
    ("after", "The id after which to go on", {"type": "integer", "minimum": 0}),
    ("limit", "How many", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}),
    ("product", "Only of this product", {"type": "string"}),
)


def paths(event_types: Sequence[str]) -> dict[str, Any]:
    """Every route, with its questions and answers."""
    stock = [_parameter("query", *one, required=False) for one in _STOCK_QUERY]
    gone = {"404": "nothing is known by this id"}
    order = [_in_path("order_id"), _parameter("query", *_ORDER_QUERY, required=False)]
    return {
        "/hub/events": {"post": _events(event_types)},
        "/hub/orders/{order_id}": {
            "get": _asked("Where an order stands", "OrderStanding", order, gone)
        },
        "/hub/bookings/{booking_id}": {
            "get": _asked(
                "Where a request to visit stands", "BookingNews", [_in_path("booking_id")], gone
            )
        },
        "/hub/stock": {
            "get": _asked("What farmers offer", "Stock", stock, {"422": "no such page, or product"})
        },
        "/hub/photos/{photo_id}.jpg": {"get": _photo(gone)},
    }


def _events(event_types: Sequence[str]) -> dict[str, Any]:
    refs = [_ref(name) for name in event_types]
    kept = "kept; it will be applied once, in the order of its order"
    return {
        "summary": "An event of the hub, signed by Standard Webhooks",
        "parameters": SIGNED,
        "requestBody": {"required": True, "content": _json({"oneOf": refs})},
        "responses": {"202": _body(kept, "EventKept"), **_problems(_OF_EVENTS)},
    }


def _asked(
    summary: str, answer: str, parameters: list[dict[str, Any]], wrong: dict[str, str]
) -> dict[str, Any]:
    return {
        "summary": f"{summary}; the signature covers id.timestamp.path, query included",
        "parameters": [*parameters, *SIGNED],
        "responses": {"200": _body("as it stands now", answer), **_problems(_of_asking(wrong))},
    }


def _photo(wrong: dict[str, str]) -> dict[str, Any]:
    picture = {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}}
    return {
        "summary": "A photo of what is offered; the signature covers id.timestamp.path",
        "parameters": [_in_path("photo_id", {"type": "integer"}), *SIGNED],
        "responses": {
            "200": {"description": "as staff let it through", "content": picture},
            **_problems(_of_asking(wrong)),
        },
    }


def _of_asking(wrong: dict[str, str]) -> dict[str, str]:
    return {
        "401": "no valid signature",
        **wrong,
        "429": "asked too often: Retry-After says, in seconds, when to come again",
        "503": "ask again later",
    }


def _in_path(name: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return _parameter("path", name, "As you know it", schema or {"type": "string"}, required=True)


def _parameter(
    where: str, name: str, words: str, schema: dict[str, Any], *, required: bool
) -> dict[str, Any]:
    said = {"name": name, "in": where, "required": required, "schema": schema}
    return {**said, "description": words}


def _problems(wrong: dict[str, str]) -> dict[str, Any]:
    return {code: _body(words, "Problem") for code, words in wrong.items()}


def _body(words: str, name: str) -> dict[str, Any]:
    return {"description": words, "content": _json(_ref(name))}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
