"""A request at a door: what is asked of it, whichever way it came, and what goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from multidict import CIMultiDictProxy


class Knock(Protocol):
    """The head of a request. aiohttp's own requests are such, and so is `QuickKnock`."""

    @property
    def method(self) -> str: ...
    @property
    def raw_path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> CIMultiDictProxy[str]: ...
    @property
    def remote(self) -> str | None: ...
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the connection knows, such as "peercert"."""
        ...


class WireReply(msgspec.Struct, frozen=True):
    """What goes back: the body, the headers beside its length, and the status."""

    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200


# Answers a request whose body is there. It raises nothing.
Answer = Callable[[Knock, bytes], Awaitable[WireReply]]


class QuickKnock:
    """The head of a request that came whole; all requests with the same head share `headers`."""

    __slots__ = ("_transport", "headers", "method", "raw_path")

    query_string = ""

    def __init__(
        self,
        method: str,
        raw_path: str,
        headers: CIMultiDictProxy[str],
        transport: asyncio.Transport,
    ) -> None:
        self.method, self.raw_path, self.headers = method, raw_path, headers
        self._transport = transport

    @property
    def remote(self) -> str | None:
        """The address at the other end, as aiohttp gives it."""
        peer = self._transport.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) else peer

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the connection knows, such as "peercert"."""
        return self._transport.get_extra_info(name, default)
