"""Work that outlives its hop: the person gets a true screen now, and the result on a later hop."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from msgspec.structs import replace

from bot.conversation import Reply
from bot.engine.courtesies import checking
from bot.engine.hop import Hop, note
from bot.engine.stage import Rest, Stage
from bot.storage import hops
from bot.storage.records import Records, RecordsDown, Unsure
from bot.storage.sessions import pack, unpack

# No effect begins later than that, less what its transaction may take.
_MAY_RUN_S = 20.0
_KEPT_S = 180.0
# Work that has begun is waited for so long, whatever the hop has spent before.
_LEAST_S = 0.1
# More than hang at once on the slowest of days; each keeps a session and a task.
_RUNNING_MAX = 2000


@dataclass(slots=True)
class _Work:
    hop: Hop
    task: asyncio.Task[Reply]


class LateWork:
    """Runs what may wait in a task of its own, under the hop's time budget."""

    def __init__(self, records: Records, budget_s: float) -> None:
        self._records, self._budget_s = records, budget_s
        self._running: dict[str, _Work] = {}

    async def wait_for(self, hop: Hop, stage: Stage, rest: Rest) -> Reply:
        """The reply if it is ready within the budget; else "we are checking", and work goes on.

        Raises `RecordsDown` before anything is done when too much work goes on already.
        """
        self._make_room()
        own = replace(hop, turn=replace(hop.turn), is_late=True)
        work = _Work(own, asyncio.create_task(stage.to_the_end(own, rest)))
        if not await self._ready(work, hop.came_at):
            self._running[hop.session.key] = work
            self._forget_in_time(hop.session.key, work)
        elif not _unsure(work.task):
            hop.turn, hop.noted = own.turn, own.noted
            return work.task.result()
        hop.turn.session, hop.noted = unpack(hop.before), False
        hop.session.checking, hop.session.checking_at = hop.mark, hop.turn.now.timestamp()
        return checking(hop, stage)

    async def collect(self, hop: Hop, stage: Stage) -> Reply | Rest:
        """What became of the work that an earlier hop left running."""
        work = self._running.get(hop.session.key)
        if work is None or work.hop.mark != hop.session.checking:
            # Another process runs it. What ran here was of an earlier hop, answered elsewhere.
            return await self._from_records(hop, stage)
        if not await self._ready(work, hop.came_at):
            return checking(hop, stage)
        del self._running[hop.session.key]
        if _unsure(work.task):
            return await self._from_records(hop, stage)
        try:
            reply = work.task.result()
        except RecordsDown:
            # It came to an end, and changed nothing: there is no more to be asked for.
            hop.session.checking = b""
            hop.before = pack(hop.session)
            raise
        _carry_over(hop, work.hop)
        note(hop, reply)
        return reply

    def _make_room(self) -> None:
        """Past the bound the oldest that is done is forgotten: its result is in the records."""
        if len(self._running) < _RUNNING_MAX:
            return
        done = next((key for key, work in self._running.items() if work.task.done()), None)
        if done is None:
            raise RecordsDown("too much work has outlived its hop")
        del self._running[done]

    def _forget_in_time(self, key: str, work: _Work) -> None:
        """Whoever hangs up never asks for the result: it is in the records, not here for ever."""

        def forget() -> None:
            if self._running.get(key) is work:
                del self._running[key]

        loop = asyncio.get_running_loop()
        work.task.add_done_callback(lambda _task: loop.call_later(_KEPT_S, forget))

    async def close(self) -> None:
        """Let running work come to its end; what it commits is found again by its key."""
        tasks = [work.task for work in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=self._budget_s)

    async def _ready(self, work: _Work, came_at: float) -> bool:
        """Whether it is done within the budget of the hop that came then.

        `asyncio.wait` says the same, and costs more.
        """
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()

        def wake(_cause: object = None) -> None:
            if not woken.done():
                woken.set_result(None)

        left_s = came_at + self._budget_s - time.monotonic()
        timer = loop.call_later(max(left_s, _LEAST_S), wake)
        work.task.add_done_callback(wake)
        try:
            await woken
        finally:
            timer.cancel()
            work.task.remove_done_callback(wake)
        return work.task.done()

    async def _from_records(self, hop: Hop, stage: Stage) -> Reply | Rest:
        """Another process runs the work, or did, or the records were lost at its end.

        While it may still be running nothing is tried again.
        """
        key = hop.session.checking
        try:
            saved = await self._records.read(lambda db: hops.find(db, key))
        except RecordsDown:
            return checking(hop, stage)
        if saved is None and hop.turn.now.timestamp() < hop.session.checking_at + _MAY_RUN_S:
            return checking(hop, stage)
        hop.session.checking = b""
        if saved is None:
            return await stage.enter(hop)
        done = replace(hop, turn=replace(hop.turn, session=saved.session))
        _carry_over(hop, done)
        note(hop, saved.reply)
        return saved.reply


def _unsure(task: asyncio.Task[Reply]) -> bool:
    return isinstance(task.exception(), Unsure)


def _carry_over(hop: Hop, done: Hop) -> None:
    """Go on in the session the work has left, with the replies that were really sent."""
    sent, size, mark = hop.session.replies, hop.session.history_size, hop.session.history_mark
    line, closing = hop.session.line, hop.session.closing
    hop.turn.session = done.session
    hop.session.replies = sent + done.session.replies
    hop.session.history_size, hop.session.history_mark = size, mark
    # Staff may have asked for these while the work went on.
    hop.session.line, hop.session.closing = line, closing
    hop.session.checking = b""
