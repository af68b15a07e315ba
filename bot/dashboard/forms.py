"""What a form said, as texts that every store can keep."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

# No such charset or not in it, no such encoding of a part, parts without an end, a broken stream.
_UNREADABLE = (
    ValueError,
    LookupError,
    RuntimeError,
    HttpProcessingError,
    web.RequestPayloadError,
)
# A form is small, and strangers may send one too.
_FORM_S = 10.0


async def fields_of(request: web.Request) -> dict[str, str]:
    """The fields of a form by name; a file is no field. Raises `HTTPBadRequest`, or
    `HTTPRequestTimeout` for one that comes too slowly.

    Who sends it chooses its bytes: what no charset can be read with is their mistake, not ours.
    """
    try:
        async with asyncio.timeout(_FORM_S):
            form = await request.post()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except _UNREADABLE as error:
        raise web.HTTPBadRequest from error
    return {name: _kept(value) for name, value in form.items() if isinstance(value, str)}


def _kept(text: str) -> str:
    """The text without what PostgreSQL or UTF-8 have no place for."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")
