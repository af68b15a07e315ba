"""Carries the outbox to chats: in order within each, many at once, within the flood limits."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import Connection

from bot.market import news, split_board, telegram_links
from bot.storage import outbox, outcomes, turns
from bot.storage.outbox import OutboxRow
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import one_round
from bot.telegram.client import Answer, Client, Said
from bot.telegram.documents import with_document
from bot.telegram.pace import Pace

log = structlog.get_logger(__name__)

KIND = "telegram"
_TURN = "telegram sending"
_TURN_S = 15.0
_FINISH_S = 2.0
# Between two looks, so that what follows in many chats is taken together.
_LOOK_S = 0.05
_RETRY_MAX_S, _LOCKED_OUT_S = 60.0, 60.0
# They add nothing to a chat, so they count for no limit there.
_NO_MESSAGES = ("answerCallbackQuery", "deleteMessage", "sendChatAction")


@dataclass(frozen=True, slots=True)
class ChatRules:
    """How often to look, how many chats at once, when to give up, how fast one chat may be."""

    poll_s: float = 0.5
    lease_s: float = 30.0
    width: int = 64
    max_attempts: int = 12
    chat_every_s: float = 1.0


class TelegramSender:
    """The relay of the outbox to Telegram. One of many sends: the limits are for all."""

    def __init__(
        self,
        records: Records,
        client: Client,
        rules: ChatRules,
        by_sms_instead: Callable[[], None],
        registry: CollectorRegistry | None = None,
    ) -> None:
        """`by_sms_instead` is called when news was turned into an SMS, which can leave at once."""
        self._records, self._client, self._rules = records, client, rules
        self._by_sms_instead = by_sms_instead
        self._pace = Pace(rules.chat_every_s)
        self._holder = secrets.token_hex(8)
        self._woken = asyncio.Event()
        self._in_hand: set[asyncio.Task[None]] = set()
        self._calls = Counter(
            "isoko_telegram_calls",
            "Calls to Telegram by outcome; what is unsure is repeated, and may arrive twice.",
            ["outcome"],
            registry=registry,
        )
        for said in Said:
            self._calls.labels(said.value)

    def wake(self) -> None:
        """News was just committed: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Carry news out until cancelled; what is in hand then may still leave."""
        try:
            while True:
                await one_round("telegram", self._take)
                await asyncio.sleep(_LOOK_S)
                await self._rest()
        finally:
            await self.let_go()

    async def let_go(self) -> None:
        """Finish what is in hand, for a moment, and let another process send."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=_FINISH_S)
        # What does not end by itself is taken up again when its lease has run out.
        for task in self._in_hand:
            task.cancel()
        await asyncio.gather(*self._in_hand, return_exceptions=True)
        with suppress(RecordsDown):
            await self._records.write(self._give_up_turn)

    def _give_up_turn(self, db: Connection) -> None:
        flood_s = self._pace.flood_s()
        if flood_s:
            # Whoever comes next must wait as we would have.
            turns.take(db, _TURN, self._holder, datetime.now(UTC), flood_s)
        else:
            turns.give_up(db, _TURN, self._holder)

    async def carry_out(self) -> int:
        """Take what is due and send it; returns how many pieces were taken."""
        taken = await self._take()
        while self._in_hand:
            await asyncio.wait(self._in_hand)
        return taken

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._rules.poll_s):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    async def _take(self) -> int:
        free = (1 if self._pace.in_trouble else self._rules.width) - len(self._in_hand)
        await self._keep_turn()
        if free <= 0 or self._pace.pause_s():
            return 0
        if not await self._records.read(_is_due):
            return 0
        rows = await self._records.write(lambda db: self._claim(db, free))
        for row in rows:
            task = asyncio.create_task(self._carry(row))
            self._in_hand.add(task)
            task.add_done_callback(self._put_down)
        return len(rows)

    async def _keep_turn(self) -> None:
        """While all must wait nobody else may send: what holds the others back is our turn."""
        flood_s = self._pace.flood_s()
        if flood_s:
            now, for_s = datetime.now(UTC), max(flood_s, _TURN_S)
            await self._records.write(lambda db: turns.take(db, _TURN, self._holder, now, for_s))

    def _put_down(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        # The next in that chat may be due.
        self._woken.set()

    def _claim(self, db: Connection, limit: int) -> list[OutboxRow]:
        now = datetime.now(UTC)
        if not turns.take(db, _TURN, self._holder, now, _TURN_S):
            return []
        lease = secrets.token_hex(8)
        return outbox.claim_in_turn(db, KIND, lease, now, self._rules.lease_s, limit)

    async def _carry(self, row: OutboxRow) -> None:
        try:
            await self._carry_one(row)
        except RecordsDown as error:
            # The lease runs out by itself; the next holder sends it again.
            log.warning("telegram waits", why=str(error))
        except Exception as fault:
            log.exception("news not sent", key=row.dedupe_key)
            answer = Answer(Said.DOWN, type(fault).__name__)
            await self._keep(row, answer)

    async def _carry_one(self, row: OutboxRow) -> None:
        chat_id, method = int(row.payload["chat_id"]), str(row.payload["method"])
        contact_id = row.payload.get("contact_id")
        if contact_id and not await self._records.read(
            lambda db: news.may_reach(db, contact_id, chat_id)
        ):
            answer = Answer(Said.REFUSED, "the chat is not linked any more")
        else:
            answer = await self._call(row, chat_id, method)
        if await self._keep(row, answer):
            self._by_sms_instead()

    async def _keep(self, row: OutboxRow, answer: Answer) -> bool:
        lease_s = self._rules.lease_s
        return await outcomes.keep(self._records, lambda db: self._end(db, row, answer), lease_s)

    async def _call(self, row: OutboxRow, chat_id: int, method: str) -> Answer:
        counts = method not in _NO_MESSAGES
        if counts:
            await asyncio.sleep(self._pace.wait_s(chat_id))
        pause_s = self._pace.pause_s()
        if pause_s:
            # It was taken before the pause began.
            return Answer(Said.FLOOD, "waits with all others", pause_s)
        args = await with_document(
            self._records, dict(row.payload["args"]), row.payload.get("contact_id") or 0
        )
        if args is None:
            return Answer(Said.REFUSED, "its person is not known any more")
        if method != "answerCallbackQuery":
            args.setdefault("chat_id", chat_id)
        answer = await self._client.call(method, args)
        self._calls.labels(answer.said.value).inc()
        self._note(chat_id, answer, counts=counts)
        return answer

    def _note(self, chat_id: int, answer: Answer, *, counts: bool) -> None:
        if answer.said is Said.FLOOD:
            self._pace.flooded(chat_id, answer.wait_s)
        elif answer.said in (Said.DOWN, Said.UNSURE):
            self._pace.failed()
        elif answer.said is Said.LOCKED_OUT:
            log.error("telegram refuses our token", see="ISOKO_TELEGRAM__TOKEN")
            self._pace.pause(_LOCKED_OUT_S)
        else:
            self._pace.sent(chat_id, counts=counts)

    def _end(self, db: Connection, row: OutboxRow, answer: Answer) -> bool:
        """Write down what came of it; whether it now leaves as an SMS."""
        now = datetime.now(UTC)
        if answer.said is Said.DONE:
            outbox.done(db, row, now)
            split_board.was_sent(db, row.payload, answer.message_id, now)
        elif answer.said in (Said.FLOOD, Said.LOCKED_OUT):
            wait = timedelta(seconds=answer.wait_s or _LOCKED_OUT_S)
            outbox.give_back(db, row, answer.reason, now + wait)
        elif answer.said is Said.BLOCKED:
            # A private chat has the number of its person.
            telegram_links.block(db, int(row.payload["chat_id"]), now)
            if news.by_sms(db, row, now):
                return True
            outbox.done(db, row, now, answer.reason)
        elif answer.said is Said.REFUSED or row.attempts >= self._rules.max_attempts:
            return _give_up(db, row, answer.reason, now)
        else:
            due_at = now + timedelta(seconds=_wait_s(row.attempts))
            outbox.again(db, row, f"retry {answer.reason}", due_at)
        return False


def _is_due(db: Connection) -> bool:
    return outbox.is_due(db, KIND, datetime.now(UTC))


def _give_up(db: Connection, row: OutboxRow, why: str, now: datetime) -> bool:
    if news.by_sms(db, row, now):
        return True
    log.error("dead letter", key=row.dedupe_key, why=why)
    outbox.dead(db, row, why, now)
    return False


def _wait_s(attempts: int) -> float:
    """Twice as long each time, with jitter, and never long: a person waits in the chat."""
    longest: float = min(_RETRY_MAX_S, 2.0 ** (attempts - 1))
    return longest * random.uniform(0.7, 1.0)  # noqa: S311  jitter, not a secret
