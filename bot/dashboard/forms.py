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


async def fields_of(request: web.Request, within_s: float | None = None) -> dict[str, str]:
    """The fields of a form by name; a file is no field. Raises `HTTPBadRequest`, or
    `HTTPRequestTimeout` for one that does not come in time: `within_s`, or ten seconds.

    Who sends it chooses its bytes: what no charset can be read with is their mistake, not ours.
    """
    try:
        async with asyncio.timeout(_FORM_S if within_s is None else within_s):
            form = await request.post()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except _UNREADABLE as error:
        raise web.HTTPBadRequest from error
    return {name: _kept(value) for name, value in form.items() if isinstance(value, str)}


async def file_of(request: web.Request, name: str) -> bytes:
    """The file in this field of a form that was read, which keeps none; empty for none."""
    field = (await request.post()).get(name)
    if not isinstance(field, web.FileField):
        return b""
    with field.file as file:
        return file.read()


def _kept(text: str) -> str:
    """The text without what PostgreSQL or UTF-8 have no place for."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")
