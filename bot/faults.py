"""Faults of ours at the doors: a short id stands in the log with the trace, and in what is said."""

from __future__ import annotations

import secrets

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

log = structlog.get_logger(__name__)


def new_request_id() -> str:
    """By which somebody who was told of a fault leads us to its line in the log."""
    return secrets.token_hex(4)


@web.middleware
async def say_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what no door has caught, in general words and with its id."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        request_id, resource = new_request_id(), request.match_info.route.resource
        # The path itself may hold a secret.
        route = resource.canonical if resource else ""
        log.exception("a request failed", request_id=request_id, method=request.method, route=route)
        if request.writer.output_size > 0:
            # An answer has begun: no other may follow it.
            raise
        said = {"error": "this failed on our side", "request_id": request_id}
        return web.json_response(said, status=500)
