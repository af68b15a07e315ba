"""Records in PostgreSQL, through asyncpg: what many hops ask at once shares a few connections."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot.storage.batch_watch import BatchWatch
from bot.storage.breaker import Breaker
from bot.storage.postgres_batch import TOO_MUCH, Answer, Ask, run_all
from bot.storage.postgres_errors import asks_again, is_down, is_full, is_too_long, why
from bot.storage.records import RecordsDown, TooLong, Unsure
from bot.storage.schema.columns import as_json

T = TypeVar("T")

_TRIES = 5
_CONNECT_S = 2.0
# The server's own limits for a statement, and for its wait for a lock.
_STATEMENT_S, _LOCK_S = 5, 3
# Longer than both: it ends what a dead network leaves waiting.
_ANSWER_S = 8.0
# An answer that takes so long is doubted: a new connection must then come within the second time.
_DOUBT_S, _SIGN_OF_LIFE_S = 0.7, 0.8
# More than a worker's hops and its own work can ask at once; past that somebody asks without end.
_ASKED_MAX = 5000
# So many pieces of work wait before another connection is taken for them; or one of them so long,
# for what runs may be a lot of hundreds of rows.
_SHARE, _SOON_S = 4, 0.005
# A server that gave no other connection, being full or slow, is not asked again before that.
_NO_MORE_S = 1.0
_AT_ONCE = 16


class PostgresRecords:
    """`Records` on PostgreSQL, for any number of processes.

    A lane is a connection that takes what waits, some pieces at a time: for one hop by itself the
    pool, the ping and the transaction around a single SELECT cost ten times the SELECT. BEGIN and
    COMMIT are ours to send, and a read needs neither.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self._engine = open_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self._lanes_max = pool_size
        self._breaker = Breaker("records", self._sign_of_life, self._let_go)
        self._watch = BatchWatch(self._breaker.doubt, _DOUBT_S, _ANSWER_S)
        self._in_use: set[AsyncConnection] = set()
        self._asked: list[Ask] = []
        self._free: list[AsyncConnection] = []
        self._lanes: set[asyncio.Task[None]] = set()
        self._retries: set[asyncio.Task[None]] = set()
        self._look: asyncio.TimerHandle | None = None
        self._no_more_until = 0.0

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one of the connections."""
        answer: T = await self._ask(Ask(work, writes=False))
        return answer

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in its own transaction; try again when the server asks for it."""
        answer: T = await self._ask(Ask(work, writes=True))
        return answer

    async def close(self) -> None:
        """Finish what was asked, then hang up."""
        while self._lanes or self._retries:
            await asyncio.wait([*self._lanes, *self._retries])
        await self._breaker.close()
        for connection in self._free:
            await connection.close()
        await self._engine.dispose()

    async def _ask(self, ask: Ask) -> Any:
        self._queue(ask)
        try:
            return await ask.answer
        except Exception as error:
            if is_too_long(error):
                raise TooLong(why(error)) from error
            if is_down(error):
                raise RecordsDown(why(error)) from error
            raise

    def _queue(self, ask: Ask) -> None:
        if self._breaker.why or len(self._asked) >= _ASKED_MAX:
            ask.end(None, RecordsDown(self._breaker.why or TOO_MUCH))
            return
        self._asked.append(ask)
        few = len(self._lanes) < 1 + len(self._asked) // _SHARE
        if not (few and self._open_lane()):
            self._look_soon()

    def _open_lane(self) -> bool:
        """Whether another lane is on its way to what is asked."""
        loop = asyncio.get_running_loop()
        no_more = self._lanes and loop.time() < self._no_more_until
        if len(self._lanes) >= self._lanes_max or no_more:
            return False
        # It starts in the loop's next turn, with all that is asked in this one.
        self._lanes.add(loop.create_task(self._serve()))
        return True

    def _look_soon(self) -> None:
        if self._look is None and self._asked and len(self._lanes) < self._lanes_max:
            loop = asyncio.get_running_loop()
            self._look = loop.call_later(_SOON_S, self._look_who_waits)

    def _look_who_waits(self) -> None:
        """Open another lane for who has waited, when none is about to come by itself."""
        self._look = None
        latest = asyncio.get_running_loop().time() - _SOON_S
        all_busy = len(self._in_use) == len(self._lanes)
        if self._asked and self._asked[0].asked_at <= latest and all_busy:
            self._open_lane()
        self._look_soon()

    async def _serve(self) -> None:
        """Serve on one connection until nothing is asked any more."""
        try:
            connection = await self._serve_all()
        finally:
            # Before the loop turns again: whoever asks next must find this lane gone.
            self._lanes.remove(cast("asyncio.Task[None]", asyncio.current_task()))
        if connection is not None:
            self._free.append(connection)

    async def _serve_all(self) -> AsyncConnection | None:
        connection: AsyncConnection | None = None
        while self._asked:
            if connection is None:
                try:
                    connection = await self._connection()
                except Exception as error:  # whatever it was, each who asked must hear of it
                    if self._in_use:
                        # They serve on; whether it is full or gone is found out beside them.
                        self._no_more_until = asyncio.get_running_loop().time() + _NO_MORE_S
                        self._breaker.doubt()
                        break
                    self._refuse(self._next_batch(), error)
                # By now another lane may have come to all that was asked.
                continue
            batch = self._next_batch()
            self._in_use.add(connection)
            usable = await self._run(connection, batch)
            self._in_use.discard(connection)
            if not usable:
                await _drop(connection)
                connection = None
        return connection

    def _next_batch(self) -> list[Ask]:
        # The other lanes get their part: a slow piece holds up only those behind it.
        share = min(_AT_ONCE, -(-len(self._asked) // self._lanes_max))
        batch, self._asked = self._asked[:share], self._asked[share:]
        return batch

    def _refuse(self, batch: list[Ask], error: Exception) -> None:
        """There is no connection to be had for this batch."""
        for ask in batch:
            ask.end(None, RecordsDown(why(error)))
        # A server that is full still serves those who are connected.
        if not self._is_only_full(error):
            self._breaker.trip(why(error))

    def _is_only_full(self, error: Exception) -> bool:
        return is_full(error) and bool(self._in_use or self._free)

    def _let_go(self, why_gone: str) -> None:
        """The server is gone: nobody waits for it any longer."""
        asked, self._asked = self._asked, []
        for ask in asked:
            ask.end(None, RecordsDown(why_gone))
        for connection in self._in_use:
            # What runs on it ends with an error, by which its lane learns what it came to.
            driver: Any = connection.sync_connection
            if driver is not None and not driver.invalidated:
                driver.connection.driver_connection.terminate()

    async def _sign_of_life(self) -> None:
        """A new connection and an answer on it. Raises what is wrong."""
        try:
            async with asyncio.timeout(_SIGN_OF_LIFE_S):
                async with self._engine.connect() as connection:
                    await connection.exec_driver_sql("SELECT 1")
        except Exception as error:
            if not self._is_only_full(error):
                raise

    async def _connection(self) -> AsyncConnection:
        while self._free:
            connection = self._free.pop()
            if _is_open(connection):
                return connection
            await _drop(connection)
        async with asyncio.timeout(_CONNECT_S):
            return await self._engine.connect()

    async def _run(self, connection: AsyncConnection, batch: list[Ask]) -> bool:
        """Run the batch in order; whether the connection may be used again."""
        answers: list[Answer] = []
        usable = False
        try:
            async with self._watch.watched():
                usable = await connection.run_sync(run_all, batch, answers)
        except Exception as error:  # the connection itself, or its silence
            answers.append((None, self._lost(error, batch[len(answers)])))
        for ask, (result, failed) in zip(batch, answers, strict=False):
            if ask.tries < _TRIES and asks_again(failed):
                self._again(ask)
            else:
                ask.end(result, failed)
        # What a lost connection has not come to was not begun: another takes it.
        self._put_back(batch[len(answers) :])
        return usable

    def _lost(self, error: Exception, ask: Ask) -> RecordsDown:
        """What is told to whom `error` cut off."""
        if ask.committing:
            return Unsure(why(error))
        silent = isinstance(error, TimeoutError) and not self._breaker.why
        return TooLong(why(error)) if silent else RecordsDown(why(error))

    def _put_back(self, batch: list[Ask]) -> None:
        if self._breaker.why:
            for ask in batch:
                ask.end(None, RecordsDown(self._breaker.why))
        else:
            self._asked[:0] = batch

    def _again(self, ask: Ask) -> None:
        ask.tries += 1

        async def later() -> None:
            await asyncio.sleep(random.uniform(0, 0.02 * ask.tries))  # noqa: S311  jitter only
            self._queue(ask)

        retry = asyncio.get_running_loop().create_task(later())
        self._retries.add(retry)
        retry.add_done_callback(self._retries.discard)


def open_engine(url: str, **options: Any) -> AsyncEngine:
    """An engine whose connections keep what they acknowledge, and wait for nothing too long."""
    engine = create_async_engine(
        _driver_url(url),
        # What people gave us stands in the parameters: an error in a log must not repeat it.
        hide_parameters=True,
        json_serializer=as_json,
        **options,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(driver_connection: Any, _record: Any) -> None:
        cursor = driver_connection.cursor()
        cursor.execute("SET synchronous_commit = on")
        cursor.execute(f"SET statement_timeout = '{_STATEMENT_S}s'")
        cursor.execute(f"SET lock_timeout = '{_LOCK_S}s'")
        cursor.close()

    return engine


def _is_open(connection: AsyncConnection) -> bool:
    """Whether its driver still has its line; asked of every batch, so not through a greenlet."""
    pooled = connection.sync_connection
    driver: Any = None if pooled is None else pooled.connection.driver_connection
    return driver is not None and not driver.is_closed()


async def _drop(connection: AsyncConnection) -> None:
    """Close a connection that may be broken, without waiting for the server's farewell."""
    if not connection.invalidated:
        raw = await connection.get_raw_connection()
        if raw.driver_connection is not None:
            raw.driver_connection.terminate()
        await connection.invalidate()
    await connection.close()


def _driver_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+asyncpg://{rest}" if scheme in {"postgres", "postgresql"} else url
