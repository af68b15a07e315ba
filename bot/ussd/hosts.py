"""Whether a request is meant for this server, by the names it was called with."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.knock import Knock

_PORT = re.compile(r":[0-9]+\Z")


def is_for_us(request: Knock, hosts: frozenset[str]) -> bool:
    """Whether every name in the request is one of `hosts` (lower case, no port); empty: any is.

    A request line may name a host of its own ("POST https://evil/ussd HTTP/1.1"); it says nothing
    of the connection, and must be one of ours as well.
    """
    if not hosts:
        return True
    named = list(request.headers.getall("Host", []))
    # One that begins with "/" is a path, whatever addresses its query holds.
    if "://" in request.raw_path and not request.raw_path.startswith("/"):
        named.append(_authority(request.raw_path))
    return bool(named) and all(_PORT.sub("", name.lower()) in hosts for name in named)


def only_for_us(hosts: frozenset[str]) -> Middleware:
    """Answers 400 to what is not for us, on every route."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_for_us(request, hosts):
            return web.Response(text="this host is not served here\n", status=400)
        return await handler(request)

    return check


def _authority(target: str) -> str:
    try:
        return urlsplit(target).netloc
    except ValueError:
        return ""
