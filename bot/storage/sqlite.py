"""Records in one SQLite file: a single writer that commits together what many hops ask at once."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from bot.storage.records import RecordsDown

T = TypeVar("T")
_Asked = tuple[Callable[[Connection], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
)
_BATCH_MAX = 256


def open_engine(path: Path) -> Engine:
    """An engine on the file at `path` with the settings that survive a power cut.

    `synchronous=FULL` is the point: WAL with NORMAL lost nearly all acknowledged commits in a
    power-cut model. BEGIN is ours to send, for the driver sends none before a SELECT.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(driver_connection: Any, _record: Any) -> None:
        driver_connection.isolation_level = None
        for pragma in _PRAGMAS:
            driver_connection.execute(pragma)

    return engine


class SqliteRecords:
    """`Records` on one SQLite file, for one server process."""

    def __init__(self, path: Path) -> None:
        self._engine = open_engine(path)
        self._reader = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._check_safety()
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="records-writer", daemon=True)
        self._thread.start()

    def _check_safety(self) -> None:
        mode = self._reader.execute(text("PRAGMA journal_mode")).scalar()
        level = self._reader.execute(text("PRAGMA synchronous")).scalar()
        if mode != "wal" or level != 2:
            raise RecordsDown(
                f"the data file is not safe against a power cut (journal {mode}, sync {level}): "
                "put ISOKO_DATA_DIR on a local disk that supports WAL"
            )

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on this thread: a WAL reader waits for nobody, and a thread costs more."""
        try:
            return work(self._reader)
        except OperationalError as error:
            raise RecordsDown(str(error.orig)) from error

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Ask the writer; the answer comes after its commit has reached the disk."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._asked.put((work, answer, loop))
        return await answer

    async def close(self) -> None:
        """Let the writer finish what was asked, then close the file."""
        self._asked.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._reader.close()
        self._engine.dispose()

    def _serve(self) -> None:
        with self._engine.connect() as db:
            self._driver: Any = db.connection.driver_connection
            while (first := self._asked.get()) is not None:
                batch, closing = self._gather(first)
                self._commit_together(db, batch)
                if closing:
                    return

    def _gather(self, first: _Asked) -> tuple[list[_Asked], bool]:
        batch = [first]
        while len(batch) < _BATCH_MAX:
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                return batch, False
            if asked is None:
                return batch, True
            batch.append(asked)
        return batch, False

    def _commit_together(self, db: Connection, batch: list[_Asked]) -> None:
        """One BEGIN IMMEDIATE and one COMMIT for all; a savepoint lets one fail alone."""
        answers: list[tuple[_Asked, Any, BaseException | None]] = []
        try:
            self._driver.execute("BEGIN IMMEDIATE")
            for asked in batch:
                answers.append((asked, *self._run_alone(db, asked[0])))
            self._driver.execute("COMMIT")
        except BaseException as error:
            self._undo()
            down = RecordsDown(f"the data file cannot be written: {error}")
            answers = [(asked, None, down) for asked in batch]
        finally:
            if db.in_transaction():
                db.commit()
        _hand_out(answers)

    def _run_alone(
        self, db: Connection, work: Callable[[Connection], Any]
    ) -> tuple[Any, BaseException | None]:
        self._driver.execute("SAVEPOINT ask")
        try:
            result = work(db)
        except Exception as error:
            self._driver.execute("ROLLBACK TO ask")
            self._driver.execute("RELEASE ask")
            return None, error
        self._driver.execute("RELEASE ask")
        return result, None

    def _undo(self) -> None:
        try:
            self._driver.execute("ROLLBACK")
        except sqlite3.OperationalError:
            # SQLite has already rolled back by itself, as it does when the disk is full.
            return


def _hand_out(answers: list[tuple[_Asked, Any, BaseException | None]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Asked, Any, BaseException | None]]] = {}
    for answer in answers:
        by_loop.setdefault(answer[0][2], []).append(answer)
    for loop, mine in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(answers: list[tuple[_Asked, Any, BaseException | None]]) -> None:
    for (_, future, _), result, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
