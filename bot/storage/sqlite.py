"""Records in one SQLite file: what many hops ask at once is done and committed together."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from bot.storage.records import RecordsDown
from bot.storage.schema.columns import as_json

T = TypeVar("T")
_Asked = tuple[Callable[[Connection], Any], "asyncio.Future[Any]"]
_Answers = list[tuple["asyncio.Future[Any]", Any, BaseException | None]]

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # Whoever finds the file locked comes back; waiting here would hold up every hop.
    "PRAGMA busy_timeout=0",
    # In KiB: the indexes that every hop writes to at random places stay in memory.
    "PRAGMA cache_size=-16384",
    # In pages: an index page that is written again and again is copied back a quarter as often.
    "PRAGMA wal_autocheckpoint=4000",
)
_BATCH_MAX = 256
# More than a server's hops and its own work can ask at once; past that somebody asks without end.
_ASKED_MAX = 5000
# Under load a commit waits so long for company: a flush of the disk costs more than what it keeps.
_GATHER_S = 0.004
_TRY_AGAIN_S = 0.01
_LOCKED_MAX_S = 5.0


def open_engine(path: Path) -> Engine:
    """An engine on the file at `path` with the settings that survive a power cut.

    `synchronous=FULL` is the point: WAL with NORMAL lost nearly all acknowledged commits in a
    power-cut model. BEGIN is ours to send, for the driver sends none before a SELECT.
    """
    # What people gave us stands in the parameters: an error in a log must not repeat it.
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False},
        hide_parameters=True,
        json_serializer=as_json,
    )

    @event.listens_for(engine, "connect")
    def _prepare(driver_connection: Any, _record: Any) -> None:
        driver_connection.isolation_level = None
        for pragma in PRAGMAS:
            driver_connection.execute(pragma)

    return engine


class SqliteRecords:
    """`Records` on one SQLite file, for one server process.

    Statements run where they are asked, on the event loop: from the page cache they take
    microseconds, and a thread that needs the interpreter for each of them would have to wait for it
    every time. Only the COMMIT, which waits for the disk and needs no interpreter, is on a thread;
    what is asked meanwhile makes the next batch.
    """

    def __init__(self, path: Path) -> None:
        self._engine = open_engine(path)
        self._reader = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._check_safety()
        self._db = self._engine.connect()
        # SQLAlchemy's own notion of it, always: else a value that it cannot bind rolls back the
        # batch, and to begin and end it for each batch costs as much as a hop.
        self._db.begin()
        self._driver: Any = self._db.connection.driver_connection
        self._disk = ThreadPoolExecutor(1, "records-commit")
        self._asked: list[_Asked] = []
        self._busy: asyncio.Task[None] | None = None

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
        """Run `work` in the next batch; the answer comes after its commit has reached the disk."""
        if len(self._asked) >= _ASKED_MAX:
            raise RecordsDown("too much is asked of the records at once")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._asked.append((work, answer))
        if self._busy is None:
            # It starts in the loop's next turn, with all that is asked in this one.
            self._busy = loop.create_task(self._serve())
        return await answer

    async def close(self) -> None:
        """Finish what was asked, then close the file."""
        if self._busy is not None:
            await self._busy
        self._disk.shutdown()
        self._reader.close()
        self._db.close()
        self._engine.dispose()

    async def _serve(self) -> None:
        """Batch after batch, until nothing is asked any more."""
        try:
            while self._asked:
                batch, self._asked = self._asked[:_BATCH_MAX], self._asked[_BATCH_MAX:]
                _hand_out(await self._commit_together(batch))
                if len(self._asked) < _BATCH_MAX:
                    await asyncio.sleep(_GATHER_S)
        finally:
            self._busy = None

    async def _commit_together(self, batch: list[_Asked]) -> _Answers:
        """One BEGIN IMMEDIATE and one COMMIT for all; a savepoint lets one fail alone."""
        try:
            await self._begin()
            answers = [(answer, *self._run_alone(work)) for work, answer in batch]
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._disk, self._driver.execute, "COMMIT")
        except Exception as error:  # whatever it was, each who asked must hear of it
            self._undo()
            down = RecordsDown(f"the data file cannot be written: {error}")
            answers = [(answer, None, down) for _work, answer in batch]
        return answers

    async def _begin(self) -> None:
        give_up_at = time.monotonic() + _LOCKED_MAX_S
        while True:
            try:
                self._driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                if time.monotonic() > give_up_at:
                    raise
                # Another program, such as a price import, is writing.
                await asyncio.sleep(_TRY_AGAIN_S)
            else:
                return

    def _run_alone(self, work: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
        self._driver.execute("SAVEPOINT ask")
        try:
            result = work(self._db)
        except Exception as error:  # it is the asker's, who gets it raised
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


def _hand_out(answers: _Answers) -> None:
    for future, result, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
