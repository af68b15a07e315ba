"""The published description: made of the very structs that are read, told and answered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from bot.hub.answers import EventKept, OrderStanding, Problem, Stock
from bot.hub.event_types import EVENT_TYPES
from bot.hub.news_types import NEWS_DATA, BookingNews
from bot.hub.openapi_paths import SIGNED, paths
from bot.market.hub_news import NEWS_TYPES

_REF = "#/components/schemas/{name}"
# What is told may have the name of what may be said, as `order.cancelled`.
_NEWS = "news."
_ANSWERS: tuple[type[Struct], ...] = (EventKept, Problem, OrderStanding, BookingNews, Stock)


@lru_cache(1)
def document(url: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a server at `url`."""
    _bodies, answers = msgspec.json.schema_components(_ANSWERS, ref_template=_REF)
    said, said_parts = _wrapped(EVENT_TYPES)
    told, told_parts = _wrapped(NEWS_DATA, _NEWS)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Isoko: the hub door", "version": "1"},
        "servers": [{"url": url}],
        "paths": paths(list(EVENT_TYPES)),
        "webhooks": {name: _news(name, words) for name, words in NEWS_TYPES.items()},
        "components": {"schemas": {**said, **told, **said_parts, **told_parts, **answers}},
    }


def _wrapped(
    kinds: Mapping[str, type[Struct]], before: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of each type of event in its envelope, and of the parts that they share."""
    bodies, parts = msgspec.json.schema_components(list(kinds.values()), ref_template=_REF)
    wrapped = {
        before + name: {
            "type": "object",
            "required": ["type", "timestamp", "data"],
            "properties": {
                "type": {"const": name},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": body,
            },
        }
        for name, body in zip(kinds, bodies, strict=True)
    }
    return wrapped, parts


def _news(name: str, words: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=_NEWS + name)}
    return {
        "post": {
            "summary": words,
            "parameters": SIGNED,
            "requestBody": {"content": {"application/json": {"schema": schema}}},
            "responses": {"2XX": {"description": "taken; everything else is tried again"}},
        }
    }
