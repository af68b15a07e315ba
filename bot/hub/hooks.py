"""Carries what the hub hears of to its receivers: signed, in order, tried again for a day."""

from __future__ import annotations

import asyncio
import random
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import structlog
from sqlalchemy import Connection

from bot.hub.addresses import guarded_socket, why_not
from bot.hub.signing import sign
from bot.i18n.ticket_sentences import DeliveryTrouble, TicketSentence
from bot.market import subscriptions
from bot.market.hub_news import KIND, RETRY_AFTER_S, USER_AGENT
from bot.market.subscriptions import Subscription
from bot.market.tickets import open_ticket
from bot.storage import outbox, outcomes, webhook_tries
from bot.storage.outbox import OutboxRow
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import one_round
from bot.storage.webhook_tries import Try

log = structlog.get_logger(__name__)

_JITTER = 0.2
_POLL_S, _LEASE_S, _WIDTH = 0.5, 60.0, 64
_LIMITS = aiohttp.ClientTimeout(total=15, connect=5)
_FINISH_S = 2.0
_GONE, _SLOW_DOWN = 410, (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The status, or 0; what is wrong, or ""; and how long the receiver wants to wait."""

    status: int
    why: str
    wait_s: float


class Hooks:
    """The relay of the outbox to receivers. Any number may run: an order is in one hand."""

    def __init__(self, records: Records, *, private: bool) -> None:
        self._records, self._private = records, private
        self._woken = asyncio.Event()
        self._in_hand: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None

    def wake(self) -> None:
        """News was just committed: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Carry news out until cancelled."""
        try:
            while True:
                self._woken.clear()
                await one_round("webhooks", self._take)
                try:
                    async with asyncio.timeout(_POLL_S):
                        await self._woken.wait()
                except TimeoutError:
                    continue
        finally:
            await self.close()

    async def close(self) -> None:
        """Let what is in hand end, for a moment, and hang up."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=_FINISH_S)
        # What does not end by itself is taken up again when its lease has run out.
        for task in self._in_hand:
            task.cancel()
        await asyncio.gather(*self._in_hand, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def carry_out_all(self) -> int:
        """Send all that is due; returns how many deliveries were tried. Raises `RecordsDown`."""
        tried = 0
        while True:
            taken = await self._take()
            tried += taken
            if self._in_hand:
                await asyncio.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)
            elif not taken:
                return tried

    async def _take(self) -> int:
        """Take what is due, as much as there is room for: nobody waits for the slowest."""
        room = _WIDTH - len(self._in_hand)
        if room <= 0:
            return 0
        if not await self._records.read(_is_due):
            return 0
        taken = await self._records.write(lambda db: self._claim(db, room))
        for row in taken:
            task = asyncio.create_task(self._carry(row))
            self._in_hand.add(task)
            task.add_done_callback(self._put_down)
        return len(taken)

    def _put_down(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        # The next in its lane may be due.
        self._woken.set()

    async def _carry(self, row: OutboxRow) -> None:
        try:
            await self._deliver(row)
        except RecordsDown as error:
            # The lease runs out by itself; the receiver knows the id when it comes again.
            log.warning("webhooks wait", why=str(error))
        except Exception as fault:
            # Whatever it is, it ends: else its lane would wait for it, try after try.
            log.exception("webhook not sent", key=row.dedupe_key)
            why = type(fault).__name__
            with suppress(RecordsDown):
                await self._records.write(lambda db: _later(db, row, why, 0.0, datetime.now(UTC)))

    def _claim(self, db: Connection, limit: int) -> list[OutboxRow]:
        now, lease = datetime.now(UTC), secrets.token_hex(8)
        awake = subscriptions.awake(db, now)
        return outbox.claim_in_turn(db, KIND, lease, now, _LEASE_S, limit, awake)

    async def _deliver(self, row: OutboxRow) -> None:
        now, wanted = datetime.now(UTC), row.payload["subscription"]
        receiver = await self._records.read(lambda db: subscriptions.by_id(db, wanted, now))
        if receiver is None:
            gone = DeliveryTrouble.NO_RECEIVER
            await self._records.write(lambda db: outbox.dead(db, row, gone, now))
            return
        answer = await self._post(receiver, row, now)
        await outcomes.keep(
            self._records,
            lambda db: _end(db, row, receiver, answer, now, datetime.now(UTC)),
            _LEASE_S,
        )

    async def _post(self, receiver: Subscription, row: OutboxRow, at: datetime) -> _Answer:
        wrong = why_not(receiver.url, private=self._private)
        if wrong:
            return _Answer(0, wrong, 0.0)
        body = row.payload["body"]
        headers = sign(row.payload["event_id"], at, body, receiver.secrets)
        headers |= {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        try:
            async with self._session().post(
                receiver.url, data=body.encode(), headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                later_s = _seconds(response.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return _Answer(0, f"{type(error).__name__}: {error}", 0.0)
        if 200 <= status < 300:
            return _Answer(status, "", 0.0)
        why = DeliveryTrouble.ANSWERED.format(status=status)
        return _Answer(status, why, later_s if status in _SLOW_DOWN else 0.0)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector = aiohttp.TCPConnector(
                limit=_WIDTH,
                use_dns_cache=False,
                socket_factory=guarded_socket(private=self._private),
            )
            self._http = aiohttp.ClientSession(
                connector=connector, timeout=_LIMITS, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._http


def _is_due(db: Connection) -> bool:
    now = datetime.now(UTC)
    return outbox.is_due_via(db, subscriptions.awake(db, now), now)


def _end(
    db: Connection,
    row: OutboxRow,
    receiver: Subscription,
    answer: _Answer,
    began: datetime,
    now: datetime,
) -> None:
    why, next_at = answer.why, None
    if why:
        next_at = _later(db, row, why, answer.wait_s, now)
    else:
        outbox.done(db, row, now)
        subscriptions.note_success(db, receiver.id)
    took_ms = max(0, round((now - began).total_seconds() * 1000))
    tried = Try(began, answer.status, why, took_ms, len(receiver.secrets), next_at)
    webhook_tries.keep(db, row.id, tried)
    if not why:
        return
    if answer.status == _GONE:
        off = subscriptions.disable(db, receiver.id, DeliveryTrouble.GONE)
    else:
        off = subscriptions.note_failure(db, receiver.id, why, began, now)
    if off:
        _alert(db, receiver, why, now)


def _later(
    db: Connection, row: OutboxRow, why: str, wait_s: float, now: datetime
) -> datetime | None:
    """When it is tried again by the schedule; at its end it is a dead letter, and that is never."""
    if row.attempts > len(RETRY_AFTER_S):
        log.error("dead letter", key=row.dedupe_key, why=why)
        outbox.dead(db, row, why, now)
        return None
    usual_s = RETRY_AFTER_S[row.attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  jitter, not a secret
    next_at = now + timedelta(seconds=max(usual_s, wait_s))
    outbox.again(db, row, why, next_at)
    return next_at


def _alert(db: Connection, receiver: Subscription, why: str, now: datetime) -> None:
    """Nothing is lost: it waits until `isoko hub enable`. People must know."""
    log.error("webhook receiver disabled", subscription=receiver.id, why=why)
    open_ticket(
        db,
        category="other",
        msisdn="",
        contact_id=None,
        about=receiver.via,
        text=TicketSentence.SWITCHED_OFF.format(subscription=receiver.id, trouble=why)[:320],
        language="en",
        now=now,
    )


def _seconds(text: str) -> float:
    """What Retry-After asks for, at most as long as our own longest wait."""
    return min(float(text), float(RETRY_AFTER_S[-1])) if text.isdecimal() and len(text) < 9 else 0.0
