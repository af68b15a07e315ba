"""Long answers whose browser vanishes without a word: the system is told to notice."""

from __future__ import annotations

import asyncio
import socket

# What was sent and is not confirmed, or not taken, for so long ends the connection.
UNCONFIRMED_S = 30
# Where nothing was sent: asked after so long, then so often, so many times.
_IDLE_S, _EVERY_S, _TIMES = 15, 5, 3


def notice_vanishing(transport: asyncio.BaseTransport | None) -> None:
    """End this connection within half a minute of its other end's vanishing."""
    found = transport.get_extra_info("socket") if transport is not None else None
    if found is None or found.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Not every system knows all of them.
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_S),
        ("TCP_KEEPINTVL", _EVERY_S),
        ("TCP_KEEPCNT", _TIMES),
        ("TCP_USER_TIMEOUT", UNCONFIRMED_S * 1000),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            found.setsockopt(socket.IPPROTO_TCP, option, value)
