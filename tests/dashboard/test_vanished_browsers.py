"""H-04: a browser that vanishes without a word gives its place on the feed back."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import time

from bot import vanishing
from tests.dashboard.desk import Desk
from tests.dashboard.test_feed import feed_of
from tests.patience import patient_s
from tests.server import Running

_SO_ATTACH_FILTER = 26
# One instruction of the kernel's packet filter: keep nothing of what comes.
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)


def vanish(browser: socket.socket) -> None:
    """From now on nothing reaches this socket, so that it confirms nothing and refuses nothing."""
    code = ctypes.create_string_buffer(_DROP_ALL)
    program = struct.pack("HL", 1, ctypes.addressof(code))
    browser.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


async def looks_on(server: Running, viewer: Desk) -> socket.socket:
    """A browser's own socket, on which the feed has begun."""
    browser = socket.create_connection(("127.0.0.1", server.client.port))
    browser.setblocking(False)
    loop, said = asyncio.get_running_loop(), b""
    head = (
        "GET /dashboard/feed HTTP/1.1", f"Host: {viewer.base.removeprefix('http://')}",
        "Sec-Fetch-Site: same-origin", f"Cookie: isoko_staff={viewer.cookie}", "", "",
    )  # fmt: skip
    await loop.sock_sendall(browser, "\r\n".join(head).encode())
    async with asyncio.timeout(patient_s(5)):
        while b"event: calls" not in said:
            said += await loop.sock_recv(browser, 65536)
    return browser


async def test_H04_a_browser_that_vanished_gives_its_place_back(
    server: Running, viewer: Desk, monkeypatch
) -> None:
    monkeypatch.setattr(vanishing, "UNCONFIRMED_S", 2)
    feed = feed_of(server)
    browsers = [await looks_on(server, viewer) for _one in range(3)]
    assert feed.watchers == 3
    vanish(browsers[0])
    vanish(browsers[1])
    began = time.monotonic()
    while feed.watchers > 1 and time.monotonic() - began < patient_s(20):
        await asyncio.sleep(0.2)
    # Two vanished; the one that is still there is still told.
    assert feed.watchers == 1
    said = await asyncio.wait_for(
        asyncio.get_running_loop().sock_recv(browsers[2], 65536), patient_s(6)
    )
    assert said
    for browser in browsers:
        browser.close()


async def test_H04_the_system_notices_within_45_seconds(server: Running, viewer: Desk) -> None:
    browser = await looks_on(server, viewer)
    (connection,) = (
        one.transport.get_extra_info("socket")
        for one in server.client.server.runner.lane._server.connections
        if one.transport.get_extra_info("peername") == browser.getsockname()
    )
    asked = [
        connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
    ]
    idle_s, every_s, times, unconfirmed_ms = asked
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    # Each, and the four seconds in which the next beat meets the closed connection.
    assert idle_s + every_s * times + 4 <= 45 and unconfirmed_ms / 1000 + 4 <= 45
    browser.close()
