"""Where operators call back: kept before it is acknowledged, believed never; it makes us ask."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec
import structlog
from aiohttp import web
from sqlalchemy import Connection

from bot.bodies import BadBody, body_of
from bot.market import settlement
from bot.market.tickets import open_ticket
from bot.payments.provider import CallbackHint, PaymentProvider
from bot.storage import inbox, orphans
from bot.storage.orphans import ORPHAN
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import one_round
from bot.storage.spool import Spool, SpoolFull

log = structlog.get_logger(__name__)

_OUR_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OTHER_SIGNS = re.compile(r"[^\x20-\x7e]")
# One may be an operator's mistake; more than so many in so long are somebody's guesses.
_STRANGERS_MAX, _STRANGERS_IN = 5, timedelta(hours=1)
# Several times what an operator sends.
_BODY_MOST = 4096
_DRAIN_EVERY_S = 1.0
_BODY_S = 5.0


class _Callback(msgspec.Struct, frozen=True):
    """One callback: what came, when, and what it claims."""

    provider: str
    token: str
    body: bytes
    hint: CallbackHint
    at: datetime

    @property
    def digest(self) -> str:
        """Under which it is kept once."""
        token = self.token.encode("utf-8", "backslashreplace")
        return blake2b(token + self.body, digest_size=16).hexdigest()


class Callbacks:
    """`/payments/<provider>/callback/<token>`, by POST and PUT."""

    def __init__(
        self,
        records: Records,
        providers: Mapping[str, PaymentProvider],
        ask_now: Callable[[], None],
        spool: Spool,
    ) -> None:
        self._records, self._providers, self._ask_now = records, providers, ask_now
        self._spool = spool

    def mount(self, app: web.Application) -> None:
        """Add the route for each provider to `app`."""
        for provider in self._providers:
            path = f"/payments/{provider}/callback/{{token}}"
            app.router.add_post(path, self.receive)
            app.router.add_put(path, self.receive)

    async def receive(self, request: web.Request) -> web.Response:
        """200 once the callback is stored; 503 when it cannot be, so that nothing is claimed."""
        name, token = request.path.split("/")[2], request.match_info["token"]
        # A path may hold bytes that are no text: such a token is nobody's.
        token = token.encode("utf-8", "replace").decode()
        try:
            body = await body_of(request, _BODY_S)
        except BadBody as bad:
            log.warning("request refused", gateway=name, status=bad.status, why=str(bad))
            return web.Response(status=bad.status)
        hint = _plain(self._providers[name].read_callback(request.headers, body))
        callback = _Callback(name, token, body, hint, datetime.now(UTC))
        try:
            await self._keep(callback)
        except RecordsDown as error:
            if not await self._spooled(callback, str(error)):
                return web.Response(status=503)
        return web.Response(text="ok")

    async def drain(self) -> None:
        """Bring what was spooled into the records, the oldest first. Raises `RecordsDown`."""
        for path, message in self._spool.waiting():
            try:
                callback = msgspec.msgpack.decode(message, type=_Callback)
            except msgspec.MsgspecError:
                log.error("a spooled callback cannot be read", file=path.name)
                self._spool.set_aside(path)
                continue
            try:
                await self._keep(callback)
            except RecordsDown:
                raise
            except Exception:  # whatever is wrong with this one, those behind it must not wait
                log.exception("a spooled callback cannot be kept", file=path.name)
                await self._records.write(lambda db: _ask_staff(db, callback.provider, path.name))  # noqa: B023  run before the next turn
                self._spool.set_aside(path)
                continue
            self._spool.drop(path)

    async def draining(self) -> None:
        """Drain, round after round, until cancelled."""
        while True:
            await one_round("spool", self.drain)
            await asyncio.sleep(_DRAIN_EVERY_S)

    async def _keep(self, callback: _Callback) -> None:
        """Into the inbox, once; whoever is known by it is asked for soon."""
        hint, name = callback.hint, callback.provider

        # What is longer than ours, or not of its signs, is no payment's.
        token = callback.token if _OUR_TOKEN.fullmatch(callback.token) else ""

        def keep(db: Connection) -> tuple[bool, int]:
            fresh = inbox.keep(db, name, callback.digest, callback.body, callback.at, token)
            now = datetime.now(UTC)
            known = not hint.forged and ask_soon(db, name, token, hint.reference, now)
            if fresh:
                inbox.applied(db, name, callback.digest, _outcome(hint, known), now)
            # Counted here, where every process writes, and where a restart forgets nothing.
            count = 0 if known else orphans.strangers(db, now - _STRANGERS_IN)
            if fresh and count > _STRANGERS_MAX and not _is_read_again(callback):
                inbox.empty(db, name, callback.digest)
            return known, count

        known, strangers = await self._records.write(keep)
        if known:
            self._ask_now()
        else:
            _note_stranger(name, hint.forged, strangers)

    async def _spooled(self, callback: _Callback, why: str) -> bool:
        """Whether it is safe on disk until the records are back."""
        message = msgspec.msgpack.encode(callback)
        try:
            await asyncio.to_thread(self._spool.keep, callback.digest, message)
        except (SpoolFull, OSError) as error:
            log.error("callback not stored", provider=callback.provider, why=why, spool=repr(error))
            return False
        log.warning("callback spooled", provider=callback.provider, why=why)
        return True


def _ask_staff(db: Connection, provider: str, file_name: str) -> None:
    """One open ticket for each operator: its callback may be the only word of a payment."""
    open_ticket(
        db,
        category="payment_unclear",
        msisdn="",
        contact_id=None,
        about=f"spool {provider}"[:40],
        language="en",
        now=datetime.now(UTC),
    )
    log.error("a callback was set aside", provider=provider, file=file_name, see="its ticket")


def _note_stranger(provider: str, forged: bool, count: int) -> None:
    if count > _STRANGERS_MAX:
        log.error("callbacks for nobody: somebody is guessing", provider=provider, in_1_h=count)
    else:
        log.warning("callback for nobody", provider=provider, forged=forged)


def _outcome(hint: CallbackHint, known: bool) -> str:
    if hint.forged:
        return f"forged: {hint.status}"
    return f"asked the operator: {hint.status}" if known else ORPHAN


def _is_read_again(callback: _Callback) -> bool:
    """Whether its body may name a payment that these records do not have yet; else its path does.

    Of many strangers no other body is kept: they could fill the disk.
    """
    hint = callback.hint
    return not hint.forged and hint.reference != "" and len(callback.body) <= _BODY_MOST


def _plain(hint: CallbackHint) -> CallbackHint:
    """The hint in plain signs only: anybody can send one, and it is written down."""
    return replace(
        hint,
        status=_OTHER_SIGNS.sub("", hint.status)[:80],
        reference=_OTHER_SIGNS.sub("", hint.reference)[:80],
    )


def ask_soon(db: Connection, provider: str, token: str, reference: str, now: datetime) -> bool:
    """By the token in the path, or by our reference in the body where an operator has one URL.

    `token` is "" where it was none of ours by its signs alone.
    """
    return (token != "" and settlement.look_up_now(db, token, now)) or (
        settlement.look_up_now_by_reference(db, provider, reference, now)
    )
