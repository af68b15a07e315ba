"""An answer from outside, read to its end only while it is no longer than it may be."""

from __future__ import annotations

import aiohttp

_AT_ONCE = 64 * 1024


class TooLong(aiohttp.ClientError):
    """An answer had more bytes than it may have; the rest was not read."""


async def read_capped(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer. Raises `TooLong` for one of more than `most` bytes."""
    found = bytearray()
    async for part in response.content.iter_chunked(_AT_ONCE):
        found += part
        if len(found) > most:
            raise TooLong(f"more than {most} bytes")
    return bytes(found)
