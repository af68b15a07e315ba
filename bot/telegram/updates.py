"""Updates: each kept before it is acknowledged, applied once; one chat in order, chats beside."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.storage import telegram_updates
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import one_round
from bot.storage.telegram_updates import Hand, Held, LeaseLost
from bot.telegram import in_hand
from bot.telegram.applying import Applying
from bot.telegram.away import Away
from bot.telegram.figures import UpdateFigures
from bot.telegram.in_hand import InHand
from bot.telegram.wire import Unprocessable, read_update, reason_to_ignore

log = structlog.get_logger(__name__)

_HEAD_KEPT = 1024


@dataclass(frozen=True, slots=True)
class UpdateRules:
    """How many chats at once, how long one process may hold an update, when it gives up."""

    chats: int = 64
    lease_s: float = 30.0
    tries: int = 3
    again_s: float = 0.5
    poll_s: float = 1.0
    figures_s: float = 15.0


class Updates:
    """Keeps updates and applies them; any number of processes may, on the same records."""

    def __init__(
        self,
        records: Records,
        applying: Applying,
        figures: UpdateFigures,
        rules: UpdateRules = UpdateRules(),
        *,
        alone: bool = False,
        said: Callable[[], None] = lambda: None,
    ) -> None:
        self._said = said
        self._records, self._applying, self.figures = records, applying, figures
        self._rules, self._alone = rules, alone
        self._hand = Hand(secrets.token_hex(8), rules.lease_s)
        self._away = Away(records, rules.again_s)
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._open = False
        self._turn, self._now = -1.0, datetime.now(UTC)

    @property
    def busy(self) -> bool:
        """Whether this process has an update in hand, or has heard of one that waits."""
        return bool(self._running) or self._woken.is_set()

    async def keep(self, raw: bytes) -> None:
        """Keep an update as it came; it is safe once this returns, and applied soon.

        What is no update is kept as such. Raises `RecordsDown` when nothing could be kept.
        """
        now = self._moment()
        try:
            update = read_update(raw)
        except Unprocessable as bad:
            await self.keep_unprocessable(raw, str(bad), bad.update_id)
            return
        ignored = reason_to_ignore(update, raw)
        room = self._open and len(self._running) < self._rules.chats
        hand = self._hand if room else None

        def work(db: Connection) -> tuple[bool, InHand | None]:
            chat_id = update.chat.id if update.chat is not None else 0
            fresh, held = telegram_updates.keep(
                db, update.update_id, chat_id, raw, now, hand, ignored=ignored
            )
            return fresh, None if held is None else in_hand.taken(db, held, update)

        fresh, taken = await self._records.write(work)
        if not fresh:
            self.figures.count("repeat")
        elif ignored:
            self.figures.ignore(ignored)
        elif taken is not None:
            self._begin(taken)
        else:
            self._woken.set()

    async def keep_unprocessable(self, raw: bytes, why: str, update_id: int | None = None) -> None:
        """Keep the head of what cannot be read; anything that looks like a PIN is cut out."""
        head = in_hand.without_pins(raw[:_HEAD_KEPT])
        now = datetime.now(UTC)
        await self._records.write(
            lambda db: telegram_updates.keep_unprocessable(db, update_id, head, why, now)
        )
        self.figures.count("unprocessable")
        log.warning("telegram sent what is no update", why=why)

    async def run(self) -> None:
        """Apply what waits until cancelled; what is in hand then is ended first."""
        if self._alone:
            await one_round("telegram updates", self._free_all)
        self._open = True
        counting = asyncio.create_task(self._count_often())
        try:
            while True:
                await one_round("telegram updates", self.take)
                await self._rest()
        finally:
            self._open = False
            counting.cancel()
            if self._running:
                await asyncio.wait(self._running, timeout=self._rules.lease_s)
            # Nobody else knows of them. Where the records are still away they count as tried.
            with suppress(RecordsDown):
                await self._away.give_back()

    async def take(self) -> int:
        """Take the first waiting update of as many chats as there is room for; how many."""
        if await self._away.give_back():
            self._wake_later()
        room = self._rules.chats - len(self._running)
        if room <= 0:
            return 0

        def work(db: Connection) -> list[InHand]:
            now = datetime.now(UTC)
            found = telegram_updates.claim(db, self._hand, now, room)
            read = [in_hand.read_or_park(db, held, self._rules.tries, now) for held in found]
            return [one for one in read if one is not None]

        claim = asyncio.ensure_future(self._records.write(work))
        try:
            taken = await asyncio.shield(claim)
        except asyncio.CancelledError:
            # It may be written all the same, and then nobody would have in hand what it took.
            with suppress(RecordsDown):
                for one in await claim:
                    self._away.note(one.held)
            raise
        for one in taken:
            self._begin(one)
        return len(taken)

    async def _rest(self) -> None:
        """Until something waits, or there is room again; at most for a while."""
        self._woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._rules.poll_s):
                await self._woken.wait()

    async def _free_all(self) -> None:
        await self._records.write(telegram_updates.free_all)

    async def _count_often(self) -> None:
        while True:
            await one_round("telegram figures", self.count_waiting)
            await asyncio.sleep(self._rules.figures_s)

    async def count_waiting(self) -> None:
        """Read from the records what the figures tell of them."""
        now = datetime.now(UTC)
        waiting = await self._records.read(lambda db: telegram_updates.waiting(db, now))
        self.figures.late_s, self.figures.parked = waiting

    def _begin(self, taken: InHand) -> None:
        task = asyncio.create_task(self._chat(taken))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._woken.set()

    async def _chat(self, taken: InHand) -> None:
        """Apply one update after the other, as long as something of this chat waits."""
        going: InHand | None = taken
        while going is not None:
            held = going.held
            try:
                going = await self._one(going)
            except LeaseLost:
                log.warning("telegram update in another hand", chat=taken.held.chat_id)
                return
            except RecordsDown as error:
                # It is not its own fault. The next holder finds what was done.
                self._away.note(held)
                log.warning("telegram updates wait", why=str(error))
                return

    async def _one(self, taken: InHand) -> InHand | None:
        """Apply one; what waits next of its chat."""
        held = taken.held
        try:
            saying, end = await self._applying.apply(
                held, taken.update, taken.link, taken.hand_over
            )
        except RecordsDown:
            raise
        except Exception as fault:  # whatever it is, other chats and its own go on
            return await self._failed(held, fault)

        said = saying.copied()

        def work(db: Connection) -> InHand | None:
            now = self._moment()
            # PostgreSQL may ask for this once more: what `end` says is to be said once.
            saying.as_before(said)
            end(db, now)
            saying.put(db, now)
            telegram_updates.applied(db, held, saying.outcome, saying.shown_in, now)
            return self._next(db, held, now)

        try:
            after = await self._records.write(work)
        except (RecordsDown, LeaseLost):
            raise
        except Exception as fault:
            return await self._failed(held, fault)
        if saying.outcome.startswith("ignored: "):
            self.figures.ignore(saying.outcome.removeprefix("ignored: "))
        self.figures.count("applied")
        self._said()
        return after

    async def _failed(self, held: Held, fault: Exception) -> InHand | None:
        why = type(fault).__name__
        log.error("telegram update not applied", update=held.update_id, exc_info=fault)

        def work(db: Connection) -> tuple[bool, InHand | None]:
            now = datetime.now(UTC)
            tried = replace(held, attempts=telegram_updates.attempts_of(db, held))
            if not in_hand.is_given_up(tried.attempts, self._rules.tries):
                due = now + timedelta(seconds=self._rules.again_s)
                telegram_updates.again(db, tried, why, due)
                return False, None
            in_hand.park(db, tried, why, now)
            return True, self._next(db, held, now)

        parked, after = await self._records.write(work)
        self.figures.count("parked" if parked else "again")
        self.figures.parked += int(parked)
        if not parked:
            self._wake_later()
        return after

    def _moment(self) -> datetime:
        """The time, under uvloop the same for all updates of one turn: its text is made once."""
        turn = asyncio.get_running_loop().time()
        if turn != self._turn:
            self._turn, self._now = turn, datetime.now(UTC)
        return self._now

    def _wake_later(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self._rules.again_s + 0.01, self._woken.set)

    def _next(self, db: Connection, held: Held, now: datetime) -> InHand | None:
        if not self._open:
            return None
        while (after := telegram_updates.next_of(db, held.chat_id, self._hand, now)) is not None:
            read = in_hand.read_or_park(db, after, self._rules.tries, now)
            if read is not None:
                return read
        return None
