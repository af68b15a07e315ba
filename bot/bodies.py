"""The one reader of bodies: no larger than it may be, and no slower."""

from __future__ import annotations

import asyncio

from aiohttp import web


class BadBody(Exception):
    """A body that is not waited for: why, and the status to answer."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status


async def body_of(request: web.BaseRequest, timeout_s: float, most: int = 0) -> bytes:
    """The body. Raises `BadBody` for one that is too large, broken, or comes too slowly.

    `most` is for doors whose senders send more, or less, than the server's own limit.
    """
    limit = most or request.client_max_size
    if (request.content_length or 0) > limit:
        # What is announced need not be waited for.
        raise BadBody(f"a body has at most {limit} bytes", 413)
    if limit != request.client_max_size:
        request = request.clone(client_max_size=limit)
    try:
        async with asyncio.timeout(timeout_s):
            return await request.read()
    except TimeoutError:
        raise BadBody("the body came too slowly", 408) from None
    except web.HTTPRequestEntityTooLarge:
        raise BadBody(f"a body has at most {limit} bytes", 413) from None
    except web.RequestPayloadError:
        raise BadBody("the body is broken", 400) from None
