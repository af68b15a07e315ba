"""Where operators call back: kept before it is acknowledged, believed never; it makes us ask."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b

import structlog
from aiohttp import web
from sqlalchemy import Connection

from bot.market import settlement
from bot.payments.provider import CallbackHint, PaymentProvider
from bot.storage import inbox
from bot.storage.records import Records, RecordsDown

log = structlog.get_logger(__name__)

_ORPHAN = "orphan"
_OTHER_SIGNS = re.compile(r"[^\x20-\x7e]")
# One may be an operator's mistake; more than so many in so long are somebody's guesses.
_STRANGERS_MAX, _STRANGERS_IN_S = 5, 3600.0
_STRANGERS_KEPT = 1000


class Callbacks:
    """`/payments/<provider>/callback/<token>`, by POST and PUT."""

    def __init__(
        self,
        records: Records,
        providers: Mapping[str, PaymentProvider],
        ask_now: Callable[[], None],
    ) -> None:
        self._records, self._providers, self._ask_now = records, providers, ask_now
        # When callbacks for nobody came, or forged ones.
        self._strangers: deque[float] = deque(maxlen=_STRANGERS_KEPT)

    def mount(self, app: web.Application) -> None:
        """Add the route for each provider to `app`."""
        for provider in self._providers:
            path = f"/payments/{provider}/callback/{{token}}"
            app.router.add_post(path, self.receive)
            app.router.add_put(path, self.receive)

    async def receive(self, request: web.Request) -> web.Response:
        """200 once the callback is stored; 503 when it cannot be, so that nothing is claimed."""
        name = request.path.split("/")[2]
        token, body = request.match_info["token"], await request.read()
        hint = _plain(self._providers[name].read_callback(request.headers, body))
        digest = blake2b(token.encode() + body, digest_size=16).hexdigest()
        now = datetime.now(UTC)

        def keep(db: Connection) -> bool:
            fresh = inbox.keep(db, name, digest, body, now)
            known = not hint.forged and _ask_soon(db, name, token, hint.reference, now)
            if fresh:
                inbox.applied(db, name, digest, _outcome(hint, known), now)
            return known

        try:
            known = await self._records.write(keep)
        except RecordsDown as error:
            log.error("callback not stored", provider=name, why=str(error))
            return web.Response(status=503)
        if known:
            self._ask_now()
        else:
            self._note_stranger(name, hint.forged)
        return web.Response(text="ok")

    def _note_stranger(self, provider: str, forged: bool) -> None:
        now_s = time.monotonic()
        self._strangers.append(now_s)
        while self._strangers[0] < now_s - _STRANGERS_IN_S:
            self._strangers.popleft()
        count = len(self._strangers)
        if count > _STRANGERS_MAX:
            log.error("callbacks for nobody: somebody is guessing", provider=provider, in_1_h=count)
        else:
            log.warning("callback for nobody", provider=provider, forged=forged)


def _outcome(hint: CallbackHint, known: bool) -> str:
    if hint.forged:
        return f"forged: {hint.status}"
    return f"asked the operator: {hint.status}" if known else _ORPHAN


def _plain(hint: CallbackHint) -> CallbackHint:
    """The hint in plain signs only: anybody can send one, and it is written down."""
    return replace(
        hint,
        status=_OTHER_SIGNS.sub("", hint.status)[:80],
        reference=_OTHER_SIGNS.sub("", hint.reference)[:80],
    )


def _ask_soon(db: Connection, provider: str, token: str, reference: str, now: datetime) -> bool:
    """By the token in the path, or by our reference in the body where an operator has one URL."""
    return settlement.look_up_now(db, token, now) or settlement.look_up_now_by_reference(
        db, provider, reference, now
    )
