"""The published description: made of the very structs that events are read with."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from bot.hub.event_types import EVENT_TYPES
from bot.market.hub_news import NEWS_TYPES

_SIGNED = [
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
_ANSWERS = {
    "202": "kept; it will be applied once, in the order of its order",
    "401": "no valid signature",
    "409": "another event came under this id before",
    "413": "larger than 24 KiB",
    "422": "not one of the events below",
    "503": "not kept: send it again",
}


@lru_cache(1)
def document(url: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a server at `url`."""
    schemas = _schemas()
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in EVENT_TYPES]
    content = {"application/json": {"schema": {"oneOf": refs}}}
    answers = {code: {"description": words} for code, words in _ANSWERS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Isoko: the hub door", "version": "1"},
        "servers": [{"url": url}],
        "paths": {
            "/hub/events": {
                "post": {
                    "summary": "An event of the hub, signed by Standard Webhooks",
                    "parameters": _SIGNED,
                    "requestBody": {"required": True, "content": content},
                    "responses": answers,
                }
            },
            "/hub/orders/{order_id}": {"get": _order()},
        },
        "webhooks": {name: _news(words) for name, words in NEWS_TYPES.items()},
        "components": {"schemas": schemas},
    }


def _schemas() -> dict[str, Any]:
    kinds = list(EVENT_TYPES.values())
    bodies, parts = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    wrapped = {
        name: {
            "type": "object",
            "required": ["type", "timestamp", "data"],
            "properties": {
                "type": {"const": name},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": body,
            },
        }
        for name, body in zip(EVENT_TYPES, bodies, strict=True)
    }
    return {**wrapped, **parts}


def _order() -> dict[str, Any]:
    where = {"name": "order_id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "summary": "Where an order stands; the signature covers id.timestamp.path",
        "parameters": [where, *_SIGNED],
        "responses": {
            "200": {"description": "its lines, how many packs are accepted, and until when"},
            "401": {"description": "no valid signature"},
            "404": {"description": "no such order was taken"},
        },
    }


def _news(words: str) -> dict[str, Any]:
    data = {"type": "object", "description": "packs, states and amounts; never a person"}
    schema = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": data,
        },
    }
    return {
        "post": {
            "summary": words,
            "parameters": _SIGNED,
            "requestBody": {"content": {"application/json": {"schema": schema}}},
            "responses": {"2XX": {"description": "taken; everything else is tried again"}},
        }
    }
