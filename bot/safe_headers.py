"""The headers that every answer carries, whichever way it leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

SERVER = "isoko"
NO_SNIFF = ("X-Content-Type-Options", "nosniff")
NO_STORE = ("Cache-Control", "no-store")
REFERRER = ("Referrer-Policy", "same-origin")
# Of what is no page nothing is ever loaded, run or framed.
NO_PAGE = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
HSTS = ("Strict-Transport-Security", "max-age=31536000")


def harden(response: web.StreamResponse, *, secure: bool = False) -> None:
    """Give an answer what it does not say itself; of the server never a version."""
    headers = response.headers
    # aiohttp writes its own and Python's version here.
    headers["Server"] = SERVER
    for name, value in (NO_SNIFF, NO_STORE, REFERRER):
        headers.setdefault(name, value)
    if not headers.get("Content-Type", "").startswith("text/html"):
        headers.setdefault(*NO_PAGE)
    if secure:
        headers.setdefault(*HSTS)


def on_every_answer(
    *, secure: bool
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """For an application's `on_response_prepare`."""

    async def prepare(_request: web.Request, response: web.StreamResponse) -> None:
        harden(response, secure=secure)

    return prepare
