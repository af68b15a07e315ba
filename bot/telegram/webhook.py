"""`POST /telegram/webhook`: who knows the secret is listened to; what is kept gets its 200.

The rule for what cannot be read: it is kept as unprocessable and answered 200, since Telegram would
deliver whatever had another answer again and again.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable

import structlog
from aiohttp import web

from bot.knock import Knock, WireReply
from bot.source import Proxies, source_of
from bot.storage.records import RecordsDown
from bot.telegram.updates import Updates
from bot.telegram.wire import SIZE_MAX

PATH = "/telegram/webhook"
_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  the header's name
_SECRET_MAX = 256

log = structlog.get_logger(__name__)


class Webhook:
    """The route. Nothing of a request is read before its secret was found right."""

    def __init__(
        self,
        updates: Updates,
        secret: str,
        body_timeout_s: float,
        refused: Callable[[str, int], None],
        guessed: Callable[[str, str], None],
        for_us: Callable[[Knock], bool],
        proxies: Proxies,
    ) -> None:
        """`guessed` hears of each wrong secret, from which source."""
        if not secret:
            raise ValueError("the webhook needs a secret: set ISOKO_TELEGRAM__WEBHOOK_SECRET")
        self._updates, self._secret = updates, secret.encode()
        self._timeout_s, self._refused = body_timeout_s, refused
        self._for_us, self._guessed, self._proxies = for_us, guessed, proxies

    def mount(self, app: web.Application) -> None:
        """Add the route to `app`."""
        app.router.add_post(PATH, self._receive)

    async def receive(self, request: Knock, body: bytes) -> WireReply:
        """200 once it is kept; 401 to strangers; 503 when it cannot be, so that it comes again."""
        return WireReply(b"", status=self._refusal(request) or await self._keep(body))

    async def _receive(self, request: web.Request) -> web.Response:
        if status := self._refusal(request):
            return web.Response(status=status)
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await _body(request)
        except TimeoutError:
            return web.Response(status=408)
        return web.Response(status=await self._keep(body))

    def _refusal(self, request: Knock) -> int:
        """The status for who is not listened to, 0 for Telegram."""
        if not self._for_us(request):
            return 400
        given = request.headers.getall(_SECRET, [])
        if len(given) == 1 and self._is_right(given[0]):
            return 0
        self._refused("telegram", 401)
        self._guessed("telegram", source_of(request, self._proxies))
        log.warning("request refused", gateway="telegram", status=401)
        return 401

    async def _keep(self, body: bytes | None) -> int:
        """The status once it is kept, or could not be; None is more than an update may be."""
        try:
            if body is None:
                await self._updates.keep_unprocessable(b"", "too large")
            else:
                await self._updates.keep(body)
        except RecordsDown as error:
            log.error("telegram update not kept", why=str(error))
            return 503
        return 200

    def _is_right(self, given: str) -> bool:
        fits = len(given) <= _SECRET_MAX
        same = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret)
        return fits and same


async def _body(request: web.BaseRequest) -> bytes | None:
    """The body, or None when it is longer than an update may be; of that no more is read."""
    if (request.content_length or 0) > SIZE_MAX:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > SIZE_MAX:
            return None
    return bytes(body)
