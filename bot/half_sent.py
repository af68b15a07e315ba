"""How long a sender may take over what it has begun, and how much of it one address may have begun.

A request that is begun costs a connection and memory until it is whole. aiohttp waits an hour for
the rest of a head, byte by byte; here it waits some seconds.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bot.safe_headers import harden
from bot.source import counted_as

log = structlog.get_logger(__name__)

# A head is a packet or two.
HEAD_S = 5.0
HALF_SENT_MAX = 256
_UNREADABLE = "this cannot be read\n"


class HalfSent:
    """How many requests of each address are half sent now, at most `most` of one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: Counter[str] = Counter()

    def begin(self, address: str) -> bool:
        """Count one more; False when that is too many, and then it is not counted."""
        if self._of[address] >= self._most:
            return False
        self._of[address] += 1
        return True

    def end(self, address: str) -> None:
        """It is whole, or gone."""
        self._of[address] -= 1
        if self._of[address] <= 0:
            del self._of[address]


class PatientHandler(RequestHandler):
    """aiohttp's own for a connection, with a deadline for heads and a bound for half of requests.

    Bodies have the deadlines of the doors that read them.
    """

    __slots__ = ("_address", "_counted", "_half_sent", "_head_timer", "_last_payload")

    def __init__(self, server: web.Server, half_sent: HalfSent, **options: Any) -> None:
        super().__init__(server, **options)
        self._half_sent, self._address, self._counted = half_sent, "", False
        self._head_timer: Any = None
        self._last_payload: Any = None

    def data_received(self, data: bytes) -> None:
        """Read on, and look at what is still missing then."""
        super().data_received(data)
        if self.transport is None:
            return
        if self._messages:
            self._last_payload = self._messages[-1][1]
        if self._last_payload is not None and self._last_payload.is_eof():
            self._last_payload = None
        in_head = self._is_in_head()
        self._wait_for_head(in_head)
        half = in_head or self._last_payload is not None
        if half and not self._counted:
            self._begin()
        elif self._counted and not half:
            self._end()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing more comes."""
        super().connection_lost(exc)
        self._wait_for_head(False)
        if self._counted:
            self._end()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is answered to what is no request; aiohttp's own words would repeat it."""
        said = None if message is None else _UNREADABLE
        response = super().handle_error(request, status, exc, said)
        harden(response)
        return response

    def _is_in_head(self) -> bool:
        """Whether a head is begun: something came, and there is still no request to answer."""
        if self._messages or self._close or self._force_close:
            return False
        waits = self._waiter is not None and not self._waiter.done()
        # The task that waits for the first request begins only after this call.
        return waits or (self._waiter is None and self._request_count == 0)

    def _wait_for_head(self, waiting: bool) -> None:
        if waiting and self._head_timer is None:
            # For all of it: one byte at a time must not keep the connection for ever.
            self._head_timer = self._loop.call_later(HEAD_S, self._too_slow)
        elif not waiting and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        self.force_close()

    def _begin(self) -> None:
        peer = self.peername
        address = peer[0] if isinstance(peer, tuple) else str(peer)
        self._address = counted_as(address)
        self._counted = self._half_sent.begin(self._address)
        if not self._counted:
            log.warning("too many half requests of one address", source=self._address)
            self.force_close()

    def _end(self) -> None:
        self._counted = False
        self._half_sent.end(self._address)
